package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// Content is what the caller, who can read the JSON in a pack, says about it.
type Content struct {
	// Info is what bag-info.txt must have been made from; the payload's size is
	// filled in by Verify.
	Info BagInfo
	// RunKey is the public half of the run's key, from inputs.json.
	RunKey string
	// Class is the environment class, from inputs.json.
	Class string
	// Phases are the checkpoints that must be there; nil: start and end.
	Phases []string
	// Counts are, for a binary file with a tree, the numbers of records whose prefix roots are wanted, sorted.
	Counts map[string][]int64
}

// Options say what to check a pack against. The zero value checks integrity
// alone.
type Options struct {
	// Roots are those that lie beside the packs of rehearsals: a signer under
	// none of them is refused, one under one of them stays unproven.
	Roots []*x509.Certificate
	// Trust vouches for what it says. It goes before Roots.
	Trust *Trust
	// Role of the signer in Trust; empty: executor.
	Role string
	// Content reads the pack's JSON. It is called once, and only when every file
	// is as the signed manifest has it. nil: what depends on it is not checked.
	Content func(*Pack) (Content, error)
	// Now is the moment at which certificates are judged; zero: the present.
	Now time.Time
}

// Verify opens and checks the pack at path. The error is about the machine
// (no such file, unreadable disk, ctx done): whatever is wrong with the pack
// is a failed check in the report.
func Verify(ctx context.Context, path string, o Options) (Report, error) {
	var r Report
	p, err := Open(path)
	var ref *Refusal
	if errors.As(err, &ref) {
		r.judge(Integrity, "structure", "", err)
		return r, nil
	}
	if err != nil {
		return r, err
	}
	defer p.Close()
	return VerifyPack(ctx, p, o)
}

// verifier is one run of VerifyPack.
type verifier struct {
	Report
	p        *Pack
	o        Options
	sums     map[string]string // SHA-256 by name, of every file
	manifest []byte
	listed   Manifest // what the manifest says
	content  *Content // nil: not given, or not to be had
	changed  map[string]bool
	walked   sync.Map // what was learnt of each binary file by name, while trees are computed in parallel
}

// VerifyPack is Verify for an opened pack.
func VerifyPack(ctx context.Context, p *Pack, o Options) (Report, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.Role == "" {
		o.Role = roles[0]
	}
	v := &verifier{p: p, o: o, changed: map[string]bool{}}
	v.add(Integrity, "structure", OK, "", "%d files in %s/", len(p.entries), p.base)
	if err := v.digestAll(ctx); err != nil {
		return v.Report, fmt.Errorf("verify pack: %w", err)
	}
	sealed := []func(context.Context) error{v.checkNames, v.checkTags, v.checkManifest, v.checkSignature}
	inside := []func(context.Context) error{v.readContent, v.checkInfo, v.checkEvents, v.checkTrees, v.checkOrigin}
	if err := v.take(ctx, sealed); err != nil {
		return v.Report, err
	}
	// What is not as it was signed is not parsed.
	if v.Answer(Integrity) == Failed {
		inside = []func(context.Context) error{v.nameFirstAltered, v.checkOrigin}
	}
	return v.Report, v.take(ctx, inside)
}

// take takes the steps of a verification in order.
func (v *verifier) take(ctx context.Context, steps []func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("verify pack: %w", err)
		}
	}
	return nil
}

// digestAll reads every file once, in parallel, and compares the zip's CRCs.
func (v *verifier) digestAll(ctx context.Context) error {
	names := v.p.Names()
	sums, crcs := make([]string, len(names)), make([]uint32, len(names))
	err := parallel(ctx, len(names), func(i int) error {
		in, err := v.p.Section(names[i])
		if err != nil {
			return err
		}
		h, c := sha256.New(), crc32.NewIEEE()
		if _, err := copyCtx(ctx, io.MultiWriter(h, c), in); err != nil {
			return fmt.Errorf("read %s: %w", names[i], err)
		}
		sums[i], crcs[i] = hex.EncodeToString(h.Sum(nil)), c.Sum32()
		return nil
	})
	v.sums = map[string]string{}
	for i, name := range names {
		v.sums[name] = sums[i]
		if err == nil && crcs[i] != v.p.entries[name].crc {
			v.add(Integrity, "zip checksum", Failed, name, "CRC-32 does not fit")
		}
	}
	return err
}

// checkNames: every tag file is there, and nothing besides them and data/.
func (v *verifier) checkNames(context.Context) error {
	bad := len(v.Failures())
	for _, name := range tagFiles {
		if !v.p.Has(name) {
			v.add(Integrity, "files", Failed, name, "missing")
		}
	}
	for _, name := range v.p.Names() {
		if strings.HasPrefix(name, PayloadDir+"/") {
			v.Files++
			v.Octets += int64(v.p.entries[name].size)
		} else if !slices.Contains(tagFiles, name) {
			v.add(Integrity, "files", Failed, name, "added: it does not belong into a pack")
		}
	}
	if len(v.Failures()) == bad {
		v.add(Integrity, "files", OK, "", "%d in %s/, %d bytes", v.Files, PayloadDir, v.Octets)
	}
	return nil
}

// checkTags: bagit.txt is the constant, and the tag manifest fits.
func (v *verifier) checkTags(context.Context) error {
	data, ok, err := v.read(BagItFile)
	if err != nil {
		return err
	}
	if ok && string(data) != bagIt {
		v.add(Integrity, "bagit", Failed, BagItFile, "not the text of every pack")
	}
	data, ok, err = v.read(TagManifestFile)
	if err != nil || !ok {
		return err
	}
	tags, err := ParseManifest(TagManifestFile, data)
	if err != nil {
		v.judge(Integrity, "tag manifest", TagManifestFile, err)
		return nil
	}
	good := true
	for _, name := range tagFiles {
		if name != TagManifestFile && v.p.Has(name) && tags[name] != v.sums[name] {
			good = false
			// Either may have been changed: the other checks tell which.
			v.add(Integrity, "tag manifest", Failed, name, "not as %s has it", TagManifestFile)
			v.add(Integrity, "tag manifest", Failed, TagManifestFile, "does not fit %s", name)
		}
	}
	if len(tags) != len(tagFiles)-1 {
		good = false
		v.add(Integrity, "tag manifest", Failed, TagManifestFile, "lists %d files, not %d", len(tags), len(tagFiles)-1)
	}
	if good {
		v.add(Integrity, "tag manifest", OK, TagManifestFile, "")
	}
	return nil
}

// checkManifest compares the payload with the manifest, and names each file
// that was changed, added, removed or renamed.
func (v *verifier) checkManifest(context.Context) error {
	data, ok, err := v.read(ManifestFile)
	if err != nil || !ok {
		return err
	}
	v.manifest, v.ManifestSHA256 = data, v.sums[ManifestFile]
	m, err := ParseManifest(ManifestFile, data)
	if err != nil {
		v.judge(Integrity, "manifest", ManifestFile, err)
		return nil
	}
	v.listed = m
	bad := len(v.Failures())
	missing := map[string]string{} // name by digest
	for _, name := range sortedKeys(m) {
		switch sum := v.sums[name]; {
		case !strings.HasPrefix(name, PayloadDir+"/"):
			v.add(Integrity, "manifest", Failed, name, "listed, though not in %s/", PayloadDir)
		case sum == "":
			missing[m[name]] = name
			v.add(Integrity, "manifest", Failed, name, "missing")
		case sum != m[name]:
			v.changed[name] = true
			v.add(Integrity, "manifest", Failed, name, "changed: SHA-256 is %s, the manifest says %s", sum, m[name])
		}
	}
	for _, name := range v.p.Names() {
		if m[name] != "" || !strings.HasPrefix(name, PayloadDir+"/") {
			continue
		}
		was := "added: not in the manifest"
		if old, ok := missing[v.sums[name]]; ok {
			was = "renamed: it was " + old
		}
		v.add(Integrity, "manifest", Failed, name, "%s", was)
	}
	if len(v.Failures()) == bad {
		v.add(Integrity, "manifest", OK, ManifestFile, "%d files", len(m))
	}
	return nil
}

func (v *verifier) checkSignature(context.Context) error {
	p7s, ok, err := v.read(SignatureFile)
	if err != nil || !ok || v.manifest == nil {
		return err
	}
	v.SignatureSHA256 = v.sums[SignatureFile]
	s, err := VerifyCMS(v.manifest, p7s)
	if !v.judge(Integrity, "signature", SignatureFile, err) {
		// Manifest or signature: which of the two was exchanged cannot be told, so both are named.
		v.add(Integrity, "signature", Failed, SignatureFile, "it is not a signature over this manifest")
		return nil
	}
	v.Signature, v.SignedAt = s, s.SignedAt
	v.SignerName, v.SignerSPKI = s.Signer().Subject.String(), SPKI(s.Signer())
	return nil
}

func (v *verifier) readContent(context.Context) error {
	if v.o.Content == nil {
		v.add(Integrity, "content", NotChecked, "", "nobody read the pack's JSON")
		return nil
	}
	c, err := v.o.Content(v.p)
	if v.judge(Integrity, "content", "", err) {
		v.content = &c
	}
	return nil
}

// checkInfo regenerates bag-info.txt.
func (v *verifier) checkInfo(context.Context) error {
	data, ok, err := v.read(BagInfoFile)
	if err != nil || !ok {
		return err
	}
	info, err := ParseBagInfo(data)
	if err != nil {
		v.judge(Integrity, "bag info", BagInfoFile, err)
		return nil
	}
	v.Info = info
	if info.PayloadOctets != v.Octets || info.PayloadFiles != v.Files {
		v.add(Integrity, "bag info", Failed, BagInfoFile, "Payload-Oxum is not %d.%d", v.Octets, v.Files)
		return nil
	}
	if v.content == nil {
		v.add(Integrity, "bag info", NotChecked, BagInfoFile, "not compared with the record")
		return nil
	}
	want := v.content.Info
	want.PayloadOctets, want.PayloadFiles = v.Octets, v.Files
	again, err := want.Bytes()
	if err == nil && !bytes.Equal(again, data) {
		err = errors.New("not what the record gives")
	}
	v.judge(Integrity, "bag info", BagInfoFile, err)
	return nil
}

// read returns a file's bytes. ok is false when it is missing or too large,
// which then is a failed check.
func (v *verifier) read(name string) (data []byte, ok bool, err error) {
	if !v.p.Has(name) {
		return nil, false, nil // checkNames or checkEvents said so
	}
	data, err = v.p.ReadFile(name)
	var ref *Refusal
	if errors.As(err, &ref) {
		v.judge(Integrity, "files", name, err)
		return nil, false, nil
	}
	return data, err == nil, err
}
