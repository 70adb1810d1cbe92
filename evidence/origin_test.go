package evidence

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"blackstart/evidence/seal"
)

// TestWhoseSealItIsIsNoQuestionOfIntegrity: a root that has run out, or is another one, leaves every file as whole as it was;
// the signatures inside the reports included.
func TestWhoseSealItIsIsNoQuestionOfIntegrity(t *testing.T) {
	h := makeHonest(t)
	pack := h.reseal(t)
	stranger, err := seal.NewThrowawayIdentity("a stranger")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, c := range map[string]struct {
		root   *x509.Certificate // nil: none is given
		at     time.Time
		origin seal.Status
		rooted bool
		says   string
	}{
		"at sealing":                       {h.key.Root, now, seal.NotChecked, true, "throw-away key: "},
		"eight years ahead":                {h.key.Root, now.AddDate(8, 0, 0), seal.NotChecked, true, "throw-away key, expired "},
		"no root, eight years ahead":       {nil, now.AddDate(8, 0, 0), seal.NotChecked, false, "no root given"},
		"another root":                     {stranger.Root, now, seal.Failed, false, "has not issued the certificate that signed this pack"},
		"another root, eight years ahead":  {stranger.Root, now.AddDate(8, 0, 0), seal.Failed, false, ""},
		"an hour before it was signed":     {h.key.Root, now.Add(-time.Hour), seal.Failed, false, "lies in the future"},
		"its own root beside another root": {h.key.Root, now.Add(time.Hour), seal.NotChecked, true, "throw-away key: "},
	} {
		o := VerifyOptions{Now: c.at}
		if c.root != nil {
			o.Roots = []*x509.Certificate{c.root}
		}
		if strings.HasPrefix(name, "its own root") {
			o.Roots = []*x509.Certificate{stranger.Root, c.root}
		}
		got, err := Verify(t.Context(), pack, o)
		if err != nil {
			t.Fatal(err)
		}
		told := ""
		for _, k := range got.Checks {
			if k.Question == seal.Origin {
				told += k.Detail
			}
		}
		if got.Answer(seal.Integrity) != seal.OK || got.Answer(seal.Origin) != c.origin || (got.Rooted != nil) != c.rooted || !strings.Contains(told, c.says) {
			t.Errorf("%s: integrity %v, origin %v (%s), rooted %v\n%v", name, got.Answer(seal.Integrity), got.Answer(seal.Origin), told, got.Rooted, got.Err())
		}
	}
}

// TestTheReportsAreSignedByWhoSignedThePack: the signer is asked for once, so the reports may not have another.
func TestTheReportsAreSignedByWhoSignedThePack(t *testing.T) {
	h := makeHonest(t)
	var err error
	if h.key, err = seal.NewThrowawayIdentity("a forger"); err != nil { // of the same name
		t.Fatal(err)
	}
	got, err := Verify(t.Context(), h.reseal(t), VerifyOptions{Roots: []*x509.Certificate{h.key.Root}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Rooted == nil || got.Answer(seal.Integrity) != seal.Failed || !strings.Contains(got.Err().Error(), finraReport+": it is signed by another certificate than the manifest") {
		t.Errorf("integrity %v: %v", got.Answer(seal.Integrity), got.Err())
	}
}
