package measure

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// withLog is a world whose old primary's log was read and tells the truth: it lists what only the old primary has.
func withLog(t truth) *world {
	w := build(t)
	l := &w.rec.Ledger
	l.WAL = harness.WALReport{Tool: "pg_waldump", File: "data/ledger/wal.jsonl"}
	l.ReplayFrozen = at(faultLo - 180*ms)
	for _, all := range [][]Attempt{w.attempts[idLedger], w.attempts[idIsolated]} {
		for _, a := range all {
			if a.New == 0 && a.Old > 0 {
				l.WAL.Commits++
				w.commits = append(w.commits, harness.WALCommit{ID: a.ID, At: at(a.Done - ms/2), XID: uint32(l.WAL.Commits), LSN: "0/1"}) //nolint:gosec // small
			}
		}
	}
	l.WAL.Listed = len(w.commits)
	return w
}

// list adds a commit to what the log lists.
func (w *world) list(c harness.WALCommit) {
	c.XID = 9000 + uint32(len(w.commits)) //nolint:gosec // small
	w.commits = append(w.commits, c)
	w.rec.Ledger.WAL.Commits++
	w.rec.Ledger.WAL.Listed++
}

func lossy40() truth {
	tr := usual()
	tr.loss = 40
	return tr
}

// strand makes the last attempt of the isolated writers one that nobody was told of and only the old primary holds.
func (w *world) strand() *Attempt {
	all := w.attempts[idIsolated]
	a := &all[len(all)-1]
	a.Outcome, a.New, a.Old = loadgen.AttemptUnknown, 0, 1
	w.rec.Ledger.OldOnly++
	return a
}

func TestLogAgainstClients(t *testing.T) {
	for name, c := range map[string]struct {
		truth truth
		spoil func(w *world)
		says  string // "": the witnesses agree
	}{
		"agree on losses":   {lossy40(), nil, ""},
		"agree on nothing":  {usual(), nil, ""},
		"agree on stranded": {usual(), func(w *world) { w.list(harness.WALCommit{ID: w.strand().ID, At: at(faultLo + 18*sec)}) }, ""},
		"not read":          {lossy40(), func(w *world) { w.rec.Ledger.WAL = harness.WALReport{} }, ""},
		"not listed":        {lossy40(), func(w *world) { w.rec.Ledger.WAL.File = "" }, ""},
		"listed in part":    {lossy40(), func(w *world) { w.rec.Ledger.WAL.Commits++ }, ""},
		"an id that nobody attempted": {lossy40(), func(w *world) { w.list(harness.WALCommit{ID: 77, At: at(faultLo)}) },
			"the log lists a commit of write 77 after the fork, which no client attempted"},
		"a commit without a row": {lossy40(), func(w *world) { w.list(harness.WALCommit{At: at(faultLo)}) },
			"the log lists a commit of the ledger after the fork that left no row"},
		"a durable write": {lossy40(), func(w *world) { w.list(harness.WALCommit{ID: w.attempts[idLedger][100].ID, At: at(faultLo)}) },
			"after the fork, yet it is on the new primary"},
		"a ghost": {usual(), func(w *world) {
			a := &w.attempts[idLedger][100]
			a.Outcome = loadgen.AttemptUnknown
			w.list(harness.WALCommit{ID: a.ID, At: at(faultLo)})
		}, "after the fork, yet it is on the new primary"},
		"a refused write": {usual(), func(w *world) {
			a := w.strand()
			a.Outcome = loadgen.AttemptDefinite
			w.list(harness.WALCommit{ID: a.ID, At: at(faultLo)})
		}, "yet its client was told for certain that it was refused"},
		"a loss that the log does not know": {lossy40(), func(w *world) {
			w.commits = w.commits[1:]
			w.rec.Ledger.WAL.Commits, w.rec.Ledger.WAL.Listed = 39, 39
		}, "the log lists no commit of write"},
		"more lines than counted": {lossy40(), func(w *world) { w.rec.Ledger.WAL.Listed-- }, "more than the 39 lines"},
		"fewer lines":             {lossy40(), func(w *world) { w.rec.Ledger.WAL.Listed++ }, "holds 40 lines, the record counts 41"},
		"more commits":            {lossy40(), func(w *world) { w.rec.Ledger.WAL.Commits-- }, "lists 40 commits, the record counts 39"},
	} {
		w := withLog(c.truth)
		if c.spoil != nil {
			c.spoil(w)
		}
		f := mustJudge(t, w)
		for _, i := range []int{1, 2} { // rpo, lost
			o := f.Objectives[i]
			doubted := strings.Contains(o.Reason, ": cannot be judged: ") && strings.Contains(o.Reason, c.says) && o.Verdict == harness.Inconclusive
			if doubted != (c.says != "") {
				t.Errorf("%s: %s is %s: %s; want %q", name, o.Objective.ID, o.Verdict, o.Reason, c.says)
			}
		}
		if f.Objectives[0].Verdict != harness.Pass {
			t.Errorf("%s: the RTO has nothing to do with it: %s", name, f.Objectives[0].Reason)
		}
	}
}

// A commit that nobody was promised is no loss, however late it was made: a write that waited for its standby when the region
// was cut is committed behind the cut all the same.
func TestDatabaseLog(t *testing.T) {
	db := func(w *world) harness.Measurement { return find(t, mustJudge(t, w), NameRPODatabase, "", "") }
	w := withLog(usual())
	w.list(harness.WALCommit{ID: w.strand().ID, At: at(faultLo + 18*sec)})
	if m := db(w); !m.Known || m.Hi != 0 || !strings.Contains(m.Detail, "pg_waldump lists 1 commits after the fork; clients had been promised 0 of them, and nobody the other 1") {
		t.Errorf("a commit that nobody was promised: %+v", m)
	}
	if m := db(withLog(usual())); !m.Known || m.Lo != 0 || m.Hi != 0 {
		t.Errorf("no commit after the fork: %+v", m)
	}
	w = withLog(lossy40())
	last := w.commits[len(w.commits)-1].At
	w.list(harness.WALCommit{ID: w.strand().ID, At: at(faultLo + 18*sec)})
	if m, want := db(w), int64(last-w.rec.Ledger.ReplayFrozen); !m.Known || m.Lo != want || m.Hi != want || !strings.Contains(m.Detail, "promised 40 of them, and nobody the other 1") {
		t.Errorf("%+v, want %d", m, want)
	}
	for name, c := range map[string]struct {
		spoil func(w *world)
		says  string
	}{
		"not read":       {func(w *world) { w.rec.Ledger.WAL, w.rec.Ledger.WALDetail = harness.WALReport{}, "no reader" }, "was not read: no reader"},
		"not listed":     {func(w *world) { w.rec.Ledger.WAL.File = "" }, "not listed by their ids"},
		"cut":            {func(w *world) { w.rec.Ledger.WAL.Commits = 99 }, "only 41 of the 99 commits"},
		"disagrees":      {func(w *world) { w.list(harness.WALCommit{ID: 5}) }, "which no client attempted"},
		"no replay time": {func(w *world) { w.rec.Ledger.ReplayFrozen = 0 }, "replay time of the new primary is missing"},
		"no failover":    {func(w *world) { w.rec.Ledger.Promoted = false }, detailNoFailover},
	} {
		w := withLog(lossy40())
		w.list(harness.WALCommit{ID: w.strand().ID, At: at(faultLo + 18*sec)})
		c.spoil(w)
		if m := db(w); m.Known || m.Lo != 0 || !strings.Contains(m.Detail, c.says) {
			t.Errorf("%s: %+v, want %q", name, m, c.says)
		}
	}
}

func TestReadCommits(t *testing.T) {
	const good = `{"id":7,"at":"2026-09-21T14:13:20.123456789Z","xid":740,"lsn":"0/1A"}` + "\n"
	dir := t.TempDir()
	rec := worldRecord()
	rec.Ledger.WAL = harness.WALReport{Tool: "pg_waldump", File: "data/ledger/wal.jsonl", Listed: 1, Commits: 1}
	must(t, os.MkdirAll(filepath.Join(dir, "data/ledger"), 0o755))
	for name, c := range map[string]struct{ text, says string }{
		"good":        {good, ""},
		"no JSON":     {good + "hello\n", "line 2"},
		"a long line": {strings.Repeat(" ", maxWALLine+1) + good, "token too long"},
	} {
		must(t, os.WriteFile(filepath.Join(dir, "data/ledger/wal.jsonl"), []byte(c.text), 0o644))
		var all []harness.WALCommit
		err := Files(os.DirFS(dir), rec).Commits(func(c harness.WALCommit) error { all = append(all, c); return nil })
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if c.says == "" && (len(all) != 1 || all[0].ID != 7 || all[0].XID != 740 || all[0].At == 0) {
			t.Errorf("%s: %+v", name, all)
		}
	}
	enough := errors.New("enough")
	must(t, os.WriteFile(filepath.Join(dir, "data/ledger/wal.jsonl"), []byte(good+good), 0o644))
	if err := Files(os.DirFS(dir), rec).Commits(func(harness.WALCommit) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("stopped: %v", err)
	}
	must(t, os.Remove(filepath.Join(dir, "data/ledger/wal.jsonl")))
	if l := readCommits(rec, Files(os.DirFS(dir), rec)); !strings.Contains(l.odd, "cannot be used") {
		t.Errorf("a list that is named and not there: %+v", l)
	}
}
