package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is a signed statement about an event log at one moment.
type Checkpoint struct {
	Origin string // name of the log: that of its key
	Size   int64  // events
	Root   Hash   // RFC 6962 root of these events
	Phase  string // one word: start, fault, end; empty in a log without phases
}

// text is the note's body in the C2SP tlog-checkpoint format: origin, size,
// root in base64, and one extension line with the phase, if there is one.
func (c Checkpoint) text() string {
	text := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	if c.Phase != "" {
		text += "phase " + c.Phase + "\n"
	}
	return text
}

// Sign returns the checkpoint file, signed by the key of its log.
func (c Checkpoint) Sign(signer note.Signer) ([]byte, error) {
	msg, err := note.Sign(&note.Note{Text: c.text()}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint %s: %w", c.Phase, err)
	}
	return msg, nil
}

// RunKey is the Ed25519 key of one run. It never leaves memory: what it has
// signed, nobody can sign again after the process has ended.
type RunKey struct {
	signer   note.Signer
	verifier string
}

// NewRunKey makes a key for the log called origin, for instance
// "blackstart/RUN-ID": no spaces, no '+'.
func NewRunKey(origin string) (*RunKey, error) {
	skey, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, fmt.Errorf("make run key: %w", err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, fmt.Errorf("make run key for %q: %w", origin, err)
	}
	return &RunKey{signer: signer, verifier: vkey}, nil
}

// Verifier is the public half, as it belongs into inputs.json:
// origin+hash+base64.
func (k *RunKey) Verifier() string { return k.verifier }

// Sign returns the checkpoint file for a log at head in phase.
func (k *RunKey) Sign(head ChainHead, phase string) ([]byte, error) {
	c := Checkpoint{Origin: k.signer.Name(), Size: head.Count, Root: head.Root, Phase: phase}
	if CheckName(phase) != nil || strings.Contains(phase, "/") {
		return nil, fmt.Errorf("sign checkpoint: phase %q is not one word", phase)
	}
	return c.Sign(k.signer)
}

// VerifyCheckpoint checks a checkpoint file against a key's public half. It
// demands the very bytes that Sign writes: one signature, no other line.
func VerifyCheckpoint(msg []byte, verifier string) (Checkpoint, error) {
	if len(msg) > MaxNoteBytes {
		return Checkpoint{}, fmt.Errorf("verify checkpoint: longer than %d bytes", MaxNoteBytes)
	}
	v, err := note.NewVerifier(verifier)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verify checkpoint: run key: %w", err)
	}
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("verify checkpoint: %w", err)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return c, err
	}
	again, err := note.Sign(n)
	strict := base64.StdEncoding.Strict()
	if err == nil && len(n.Sigs) == 1 {
		_, err = strict.DecodeString(n.Sigs[0].Base64)
	}
	if err != nil || len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 || !bytes.Equal(again, msg) {
		return c, fmt.Errorf("verify checkpoint: not exactly one plainly written signature")
	}
	if c.Origin != v.Name() {
		return c, fmt.Errorf("verify checkpoint: it speaks of log %q, the key of %q", c.Origin, v.Name())
	}
	return c, nil
}

func parseCheckpoint(text string) (Checkpoint, error) {
	bad := fmt.Errorf("verify checkpoint: text is not origin, size, root, phase")
	lines := strings.Split(text, "\n")
	if len(lines) == 4 {
		lines = []string{lines[0], lines[1], lines[2], "phase ", ""}
	}
	if len(lines) != 5 {
		return Checkpoint{}, bad
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, err2 := base64.StdEncoding.DecodeString(lines[2])
	phase, ok := strings.CutPrefix(lines[3], "phase ")
	if err != nil || err2 != nil || size < 0 || len(root) != len(Hash{}) || !ok || phase != "" && CheckName(phase) != nil {
		return Checkpoint{}, bad
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: Hash(root), Phase: phase}
	if c.text() != text {
		return c, bad
	}
	return c, nil
}
