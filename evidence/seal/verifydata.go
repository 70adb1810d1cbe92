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
	in, err := v.p.Section(EventsFile)
	if err != nil {
		return err
	}
	v.Chain, err = VerifyChain(in, v.sums[InputsFile])
	var altered *ChainError
	var torn *TornError
	var open *OpenError
	switch {
	case err == nil && v.changed[EventsFile]:
		v.add(Integrity, "events", Failed, EventsFile, "first altered event: %d (the last; the chain before it is whole)", v.Chain.Head.Count-1)
	case err == nil:
		v.add(Integrity, "events", OK, EventsFile, "%d events", v.Chain.Head.Count)
	case errors.As(err, &altered):
		v.add(Integrity, "events", Failed, EventsFile, "first altered event: %d: %s", altered.Seq, altered.Reason)
	case errors.As(err, &torn), errors.As(err, &open):
		v.add(Integrity, "events", Failed, EventsFile, "first altered event: %d: %v", v.Chain.Head.Count, err)
	default:
		return err
	}
	return v.checkCheckpoints()
}

func (v *verifier) checkCheckpoints() error {
	if v.content == nil {
		v.add(Integrity, "checkpoints", NotChecked, "", "the run's key was not read")
		return nil
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
	for _, name := range v.p.Names() {
		file, ok := strings.CutPrefix(name, CheckpointDir)
		if !ok {
			continue
		}
		msg, ok, err := v.read(name)
		if err != nil {
			return err
		}
		if ok {
			v.judge(Integrity, "checkpoints", name, v.checkCheckpoint(strings.TrimSuffix(file, CheckpointExt), msg))
		}
	}
	return nil
}

// checkCheckpoint compares one checkpoint with the log. The one called end
// must speak of the whole log, or its tail could have been cut off.
func (v *verifier) checkCheckpoint(phase string, msg []byte) error {
	c, err := VerifyCheckpoint(msg, v.content.RunKey)
	if err != nil {
		return err
	}
	switch n := v.Chain.Head.Count; {
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
	v.Walked = map[string]Walked{}
	v.walked.Range(func(name, w any) bool {
		v.Walked[name.(string)] = w.(Walked)
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
	case v.content != nil && class != environmentClasses[0]:
		v.add(Origin, "signer", NotChecked, SignatureFile, "a root without a trust file vouches for rehearsals only; this pack says %q", class)
	default:
		v.judge(Origin, "signer", SignatureFile, CheckOrigin(v.Signature, v.o.Roots, v.o.Now))
	}
	return nil
}
