package register

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"blackstart/evidence/seal"
)

// made is the opening of the second of two entries that somebody makes who has the register's key: whatever they hold, the tree
// over them is right and its checkpoint signed.
func made(t *testing.T, second []byte, checkpoint func(*seal.Checkpoint)) Opening {
	t.Helper()
	key := testKey(t)
	first := seal.Hash{1}
	o := Opening{Index: 1, Entry: second, Leaves: []seal.Hash{first, leafHash(second)}, Proof: tlog.RecordProof{first}}
	root, err := o.root()
	if err != nil {
		t.Fatal(err)
	}
	c := seal.Checkpoint{Origin: key.Name(), Size: 2, Root: root}
	checkpoint(&c)
	if o.Checkpoint, err = c.Sign(key); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestEachPartOfAnOpeningIsChecked: one is wrong at a time, everything else is right and signed.
func TestEachPartOfAnOpeningIsChecked(t *testing.T) {
	key := testKey(t)
	entry := func(k *Key, change func(*Entry)) []byte {
		body, err := encode(aRun(1))
		if err != nil {
			t.Fatal(err)
		}
		e := Entry{Format: entryFormat, Origin: key.Name(), Index: 1, Prev: "0", Nonce: "n", At: moment(0).Format(timeLayout), By: "a", Kind: KindOpened, Body: json.RawMessage(body[:len(body)-1])}
		change(&e)
		data, err := e.sign(k)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	stranger, err := NewKey(key.Name(), ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32))))
	if err != nil {
		t.Fatal(err)
	}
	closed, err := encode(closing(0, Failed))
	if err != nil {
		t.Fatal(err)
	}
	as := func(*Entry) {}
	is := func(*seal.Checkpoint) {}
	good := made(t, entry(key, as), is)
	if _, _, err := good.Check(key.Verifier()); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	without := func(change func(*Opening)) Opening {
		o := good
		change(&o)
		return o
	}
	for want, o := range map[string]Opening{
		"the register's entry: it is not signed by the register's key":     made(t, entry(stranger, as), is),
		"the entry is number 7 of log":                                     made(t, entry(key, func(e *Entry) { e.Index = 7 }), is),
		`of log "another"`:                                                 made(t, entry(key, func(e *Entry) { e.Origin = "another" }), is),
		"is of kind closed, and opens no run":                              made(t, entry(key, func(e *Entry) { e.Kind, e.Body = KindClosed, closed[:len(closed)-1] }), is),
		"checkpoint is not one of 2 entries":                               made(t, entry(key, as), func(c *seal.Checkpoint) { c.Phase = "start" }),
		"the register's checkpoint is not one of 2":                        made(t, entry(key, as), func(c *seal.Checkpoint) { c.Size = 3 }),
		"it speaks of log":                                                 made(t, entry(key, as), func(c *seal.Checkpoint) { c.Origin = "another" }),
		"the proof does not show":                                          without(func(o *Opening) { o.Proof = tlog.RecordProof{{2}} }),
		"the hashes of the entries before are not those":                   without(func(o *Opening) { o.Leaves = []seal.Hash{{2}, o.Leaves[1]} }),
		"the hashes of the entries before are not as many as they must be": without(func(o *Opening) { o.Leaves = o.Leaves[1:] }),
	} {
		if _, _, err := o.Check(key.Verifier()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("said %v, want %q", err, want)
		}
	}
	if _, _, err := good.Check(stranger.Verifier()); err == nil {
		t.Error("another key is taken")
	}
}

// TestAnOpeningIsWrittenInOneWay: what says the same in another hand is refused.
func TestAnOpeningIsWrittenInOneWay(t *testing.T) {
	d, key := newStore(t)
	honest := fill(t, open(t, d), key, 3).Detail()
	for part, change := range map[string]func(string) string{"leaves": strings.ToUpper, "proof": func(s string) string { return s + " " },
		"index": func(s string) string { return "+" + s }, "from": func(s string) string { return "0" + s }} {
		detail := map[string]string{}
		for k, v := range honest {
			detail[k] = v
		}
		detail[part] = change(detail[part])
		if _, err := ParseOpening(detail); err == nil || !strings.Contains(err.Error(), part+" of the register is not plainly written") {
			t.Errorf("%s: %v", part, err)
		}
	}
}
