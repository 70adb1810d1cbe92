package register

import (
	"bytes"
	"testing"
)

// FuzzParseEntry: what is accepted has one way to be written, and never panics.
func FuzzParseEntry(f *testing.F) {
	key := testKey(f)
	for _, b := range []Body{aRun(0), closing(0, Passed), &Parked{Run: "run-0", Reason: "x"}} {
		body, err := encode(b)
		if err != nil {
			f.Fatal(err)
		}
		e := Entry{Format: entryFormat, Origin: key.Name(), Prev: "0", Nonce: "n", At: moment(0).Format(timeLayout), By: "a", Kind: b.kind(), Body: bytes.TrimSpace(body)}
		data, err := e.sign(key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"format":"blackstart.register/1","origin":"x","index":0,"prev":"","nonce":"n","at":"2026-01-01T00:00:00.000000000Z","by":"b","kind":"danced","body":{"a":1,"A":2},"signature":""}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, b, err := ParseEntry(data)
		if err != nil {
			return
		}
		again, err := encode(e)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("two ways to write one entry: %q and %q", data, again)
		}
		if b != nil && b.check() != nil {
			t.Fatal("a body was accepted that does not fit its kind")
		}
	})
}

// FuzzParseOpening: what a pack tells of the register comes from others, too.
func FuzzParseOpening(f *testing.F) {
	d, key := newStore(f)
	o := fill(f, open(f, d), key, 3).Detail()
	f.Add(o["index"], o["entry"], o["checkpoint"], o["proof"], o["from"], o["before"], o["leaves"])
	f.Add("256", "", "", "", "256", "", "")
	f.Fuzz(func(t *testing.T, index, entry, checkpoint, proof, from, before, leaves string) {
		o, err := ParseOpening(map[string]string{"index": index, "entry": entry, "checkpoint": checkpoint, "proof": proof, "from": from, "before": before, "leaves": leaves})
		if err != nil {
			return
		}
		if _, opened, err := o.Check(key.Verifier()); err == nil && opened.check() != nil {
			t.Fatal("an opening was accepted that opens nothing")
		}
	})
}
