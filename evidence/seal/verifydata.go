package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkEvents walks the event chain and the checkpoints over it.
func (v *verifier) checkEvents(context.Context) error {
	for _, name := range []string{InputsFile, EventsFile} {
		if !v.p.Has(name) {
			v.add(Integrity, "events", Failed, name, "missing")
			return nil
		}
	}
	notes, err := v.readCheckpoints()
	if err != nil {
		return err
	}
	var sizes []int64
	for _, n := range notes {
		sizes = append(sizes, n.Size)
	}
	in, err := v.p.Section(EventsFile)
	if err != nil {
		return err
	}
	v.Chain, err = VerifyChain(in, v.sums[InputsFile], sizes...)
	if err == nil {
		v.add(Integrity, "events", OK, EventsFile, "%d events", v.Chain.Head.Count)
	} else if err := v.blameEvents(err); err != nil {
		return err
	}
	v.checkCheckpoints(notes)
	return nil
}

// blameEvents adds a failed check that names the first altered event; an
// error that is about the machine is returned.
func (v *verifier) blameEvents(err error) error {
	var altered *ChainError
	var torn *TornError
	var open *OpenError
	switch {
	case errors.As(err, &altered):
		v.add(Integrity, "events", Failed, EventsFile, "first altered event: %d: %s", altered.Seq, altered.Reason)
	case errors.As(err, &torn), errors.As(err, &open):
		v.add(Integrity, "events", Failed, EventsFile, "first altered event: %d: %v", v.Chain.Head.Count, err)
	default:
		return err
	}
	return nil
}

// readCheckpoint is a checkpoint file that has been read, before the log is walked: of
// all roots of the log only those that are spoken of are kept.
type readCheckpoint struct {
	Checkpoint
	file string
	err  error // it is no checkpoint of this run's key
}

func (v *verifier) readCheckpoints() ([]readCheckpoint, error) {
	if v.content == nil {
		return nil, nil
	}
	var all []readCheckpoint
	for _, name := range v.p.Names() {
		if !strings.HasPrefix(name, CheckpointDir) {
			continue
		}
		msg, ok, err := v.read(name)
		if err != nil {
			return nil, err
		}
		if ok {
			n := readCheckpoint{file: name}
			n.Checkpoint, n.err = VerifyCheckpoint(msg, v.content.RunKey)
			all = append(all, n)
		}
	}
	return all, nil
}

func (v *verifier) checkCheckpoints(notes []readCheckpoint) {
	if v.content == nil {
		v.add(Integrity, "checkpoints", NotChecked, "", "the run's key was not read")
		return
	}
	phases := v.content.Phases
	if phases == nil {
		phases = []string{"start", "end"}
	}
	for _, phase := range phases {
		if name := CheckpointDir + phase + CheckpointExt; !v.p.Has(name) {
			v.add(Integrity, "checkpoints", Failed, name, "missing")
		}
	}
	bad := 0
	for _, n := range notes {
		err := v.checkCheckpoint(n)
		if err != nil {
			if bad++; bad > maxNamedNotes {
				continue
			}
		}
		v.judge(Integrity, "checkpoints", n.file, err)
	}
	if bad > maxNamedNotes {
		v.add(Integrity, "checkpoints", Failed, CheckpointDir, "and %d more are not what they must be", bad-maxNamedNotes)
	}
}

// maxNamedNotes is how many bad checkpoints are named one by one.
const maxNamedNotes = 20

// checkCheckpoint compares one checkpoint with the log. The one called end
// must speak of the whole log, or its tail could have been cut off.
func (v *verifier) checkCheckpoint(c readCheckpoint) error {
	phase := strings.TrimSuffix(strings.TrimPrefix(c.file, CheckpointDir), CheckpointExt)
	switch n := v.Chain.Head.Count; {
	case c.err != nil:
		return c.err
	case c.Phase != phase:
		return fmt.Errorf("it is the checkpoint of phase %s", c.Phase)
	case c.Size > n:
		return fmt.Errorf("it speaks of %d events, there are %d good ones", c.Size, n)
	case c.Root != v.Chain.Roots[c.Size]:
		return fmt.Errorf("one of the first %d events is not the one it speaks of", c.Size)
	case phase == "end" && c.Size != n:
		return fmt.Errorf("it speaks of %d events, there are %d", c.Size, n)
	}
	return nil
}

// checkTrees computes the trees of the binary files that have a tree file, in
// parallel, and names the first altered leaf.
func (v *verifier) checkTrees(ctx context.Context) error {
	names := slices.DeleteFunc(v.p.Names(), func(n string) bool { return !strings.HasSuffix(n, TreeExt) })
	results, ok := make([]error, len(names)), make([]string, len(names))
	err := parallel(ctx, len(names), func(i int) error {
		var err error
		ok[i], err = v.checkTree(ctx, names[i])
		var ref *Refusal
		if errors.As(err, &ref) {
			results[i], err = ref, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	v.Walked = map[string]FileDigests{}
	v.walked.Range(func(name, w any) bool {
		v.Walked[name.(string)] = w.(FileDigests)
		return true
	})
	for i, name := range names {
		if v.judge(Integrity, "tree", strings.TrimSuffix(name, TreeExt), results[i]) {
			v.Checks[len(v.Checks)-1].Detail = ok[i]
		}
	}
	return nil
}

// checkTree returns what is to be said of a good tree, or a Refusal.
func (v *verifier) checkTree(ctx context.Context, treeName string) (string, error) {
	name := strings.TrimSuffix(treeName, TreeExt)
	if !v.p.Has(name) {
		return "", refuse(name, "missing, though %s is there", treeName)
	}
	data, err := v.p.ReadFile(treeName)
	if err != nil {
		return "", err
	}
	want, err := ParseTree(data)
	if err != nil {
		return "", refuse(treeName, "%v", err)
	}
	var counts []int64
	if v.content != nil {
		counts = v.content.Counts[name]
	}
	got, err := v.p.Walk(ctx, name, want.HeaderLen, want.RecordLen, counts)
	if err != nil {
		return "", err
	}
	at := FirstDifference(got.Tree, want)
	if at < 0 && got.Tail == 0 {
		v.walked.Store(name, got)
		return fmt.Sprintf("root %x, %d leaves", got.Root[:], len(got.Leaves)), nil
	}
	if at < 0 {
		at = len(got.Leaves)
	}
	blame := "first altered leaf: %d (from byte %d)"
	if v.changed[treeName] && !v.changed[name] {
		blame = "it says another hash for leaf %d (from byte %d)"
		name = treeName
	}
	return "", refuse(name, blame, at, want.leafOffset(int64(at)))
}

// nameFirstAltered says where the log and the binary files of an altered pack
// first differ from what was signed. Nothing of such a pack is parsed: lines
// are looked at for how they begin, and leaves compared with tree files that
// are as the signed manifest has them.
func (v *verifier) nameFirstAltered(ctx context.Context) error {
	if v.Signature == nil {
		return nil // there is no manifest to hold anything against
	}
	for _, name := range sortedKeys(v.changed) {
		var err error
		switch tree := name + TreeExt; {
		case name == EventsFile:
			err = v.firstAlteredEvent()
		case v.p.Has(tree) && !v.changed[tree]:
			_, err = v.checkTree(ctx, tree)
			var ref *Refusal
			if errors.As(err, &ref) {
				v.judge(Integrity, "tree", name, err)
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) firstAlteredEvent() error {
	in, err := v.p.Section(EventsFile)
	if err != nil {
		return err
	}
	v.Chain, err = walkChain(in, v.listed[InputsFile], nil, false)
	var open *OpenError
	if v.Chain.Head.Count == 0 && errors.As(err, &open) {
		v.add(Integrity, "events", Failed, EventsFile, "first altered event: 0: the log is empty")
		return nil
	}
	if errors.As(err, &open) { // without parsing, the last event is never seen to be the closing one
		v.add(Integrity, "events", Failed, EventsFile,
			"first altered event: %d (the last; or the log was cut off behind it: the chain before it is whole)", v.Chain.Head.Count-1)
		return nil
	}
	return v.blameEvents(err)
}

// checkOrigin answers who signed, and what is known of when.
func (v *verifier) checkOrigin(context.Context) error {
	if v.Signature == nil {
		v.add(Origin, "signer", NotChecked, SignatureFile, "no good signature")
		v.add(Time, "time stamp", NotChecked, "", "no good signature")
		return nil
	}
	v.add(Time, "time stamp", NotChecked, "", "time self-asserted: signed at %s by the signer's own clock", v.SignedAt.Format(time.RFC3339))
	class := ""
	if v.content != nil {
		class = v.content.Class
	}
	switch {
	case v.o.Trust != nil && v.content == nil:
		v.add(Origin, "signer", NotChecked, SignatureFile, "environment class unknown, so the trust file cannot be applied")
	case v.o.Trust != nil:
		v.judge(Origin, "signer", SignatureFile, v.o.Trust.Vouch(v.Signature, v.o.Role, class, v.o.Now))
	case len(v.o.Roots) == 0:
		v.add(Origin, "signer", NotChecked, SignatureFile, "no root given: integrity since sealing only; anyone can make another")
	default:
		v.checkRooted(class)
	}
	return nil
}

// checkRooted: a root alone can refuse a signer, and never proves one.
func (v *verifier) checkRooted(class string) {
	r, err := CheckRooted(v.Signature, v.o.Roots, v.o.Now)
	if err != nil {
		v.judge(Origin, "signer", SignatureFile, err)
		return
	}
	v.Rooted = &r
	why := r.String()
	if class != "" && class != environmentClasses[0] {
		why = fmt.Sprintf("a root without a trust file vouches for rehearsals only; this pack says %q", class)
	}
	v.add(Origin, "signer", NotChecked, SignatureFile, "%s", why)
}
