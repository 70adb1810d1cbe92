package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// packsDir holds packs of every end, by version of the format.
const packsDir = "../../testdata/packs"

// kept is what a build must find of a pack that an earlier one made: numbers and verdicts, no words.
type kept struct {
	Verdict    harness.Verdict    `json:"verdict"`
	Exit       int                `json:"exit"`
	Status     harness.Status     `json:"status"`
	Objectives map[string]keptOne `json:"objectives"`
}

type keptOne struct {
	Verdict   harness.Verdict `json:"verdict"`
	Known     bool            `json:"known"`
	Lo        int64           `json:"lo"`
	Hi        int64           `json:"hi"`
	Unbounded bool            `json:"unbounded"`
}

// TestPacksOfEarlierBuildsAreAccepted: a pack that verified once verifies with every later build, with the same integrity,
// numbers and verdict. Eight years later its throw-away key has expired, which is no alteration.
func TestPacksOfEarlierBuildsAreAccepted(t *testing.T) {
	packs, err := filepath.Glob(filepath.Join(packsDir, "*", "*.zip"))
	if err != nil || len(packs) < 5 {
		t.Fatalf("%d packs in %s, want one of every end: %v", len(packs), packsDir, err)
	}
	for _, pack := range packs {
		t.Run(strings.TrimPrefix(pack, packsDir+"/"), func(t *testing.T) {
			roots, err := seal.LoadRoots(strings.TrimSuffix(pack, ".zip") + ".root.pem")
			if err != nil {
				t.Fatal(err)
			}
			c, err := evidence.Verify(t.Context(), pack, evidence.VerifyOptions{Roots: roots, Recompute: true, Resolve: resolveScenario, ToolSHA256: "another build"})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Err(); err != nil || c.Answer(seal.Integrity) != seal.OK || c.Recomputed == nil {
				t.Fatalf("integrity %s: %v", c.Answer(seal.Integrity), err)
			}
			compareKept(t, strings.TrimSuffix(pack, ".zip")+".expected.json", keptOf(c))
		})
	}
}

func keptOf(c evidence.Checked) kept {
	k := kept{Verdict: c.Recomputed.Verdict, Exit: c.Recomputed.Exit, Status: c.Record.Status, Objectives: map[string]keptOne{}}
	for _, f := range c.Recomputed.Objectives {
		m := f.Measured
		k.Objectives[f.Objective.ID] = keptOne{f.Verdict, m.Known, m.Lo, m.Hi, m.Unbounded}
	}
	return k
}

func compareKept(t *testing.T, path string, k kept) {
	t.Helper()
	got, err := json.MarshalIndent(k, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	want, err := os.ReadFile(path)
	if os.IsNotExist(err) && flag.Lookup("update").Value.String() == "true" { // only what has never been written
		err = os.WriteFile(path, got, 0o644)
		want = got
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %v\ngot %s\nwant %s", path, err, got, want)
	}
}
