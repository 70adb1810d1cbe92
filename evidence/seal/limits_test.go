package seal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesHaveLimits: a file larger than any of its kind has to be is refused when a pack is made and when it is opened.
func TestFilesHaveLimits(t *testing.T) {
	for name, limit := range map[string]int64{"data/record.json": 4 << 20, "data/inputs.json": 4 << 20, EventsFile: 32 << 20, "data/report-icfr.pdf": 16 << 20,
		"data/samples/a.bin" + TreeExt: 4 << 20, CheckpointDir + "end.note": 16 << 10, SignatureFile: 64 << 10, BagInfoFile: 16 << 10, TagManifestFile: 16 << 10, ManifestFile: 1_950_000} {
		for _, over := range []int64{0, 1} {
			dir := t.TempDir()
			put(t, dir, name, nil)
			ok(t, os.Truncate(filepath.Join(dir, filepath.FromSlash(name)), limit+over))
			err := WritePack(context.Background(), dir, "pack", filepath.Join(t.TempDir(), "p.zip"))
			if (err != nil) != (over > 0) || err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("%s of %d bytes: written: %v", name, limit+over, err)
			}
		}
		files := map[string][]byte{name: make([]byte, limit+1)}
		mustRefuse(t, name, memZip("pack", files), "such a file may have up to")
	}
}

// TestNumberOfFiles: checkpoints of a long run are many, other files are few.
func TestNumberOfFiles(t *testing.T) {
	name := func(dir string, n int) string { return fmt.Sprintf("%s%04d", dir, n) }
	var names []string
	for n := range MaxFiles {
		names = append(names, name("data/as-run/logs/", n))
	}
	for n := range MaxEntries - MaxFiles {
		names = append(names, name(CheckpointDir, n))
	}
	if err := checkNames(names); err != nil {
		t.Errorf("%d files: %v", len(names), err)
	}
	if checkNames(append(names[1:], name("data/as-run/logs/", MaxFiles), "data/record.json")) == nil {
		t.Errorf("%d files besides checkpoints are accepted", MaxFiles+1)
	}
	if checkNames(append(names, name(CheckpointDir, MaxEntries))) == nil {
		t.Errorf("%d files are accepted", MaxEntries+1)
	}
}

// TestLongestNames: the copies of a ledger, under the longest id that a scenario may have, fit.
func TestLongestNames(t *testing.T) {
	copies := "data/ledger/" + strings.Repeat("x", 80) + ".copies-west.db-after-heal.bin" + TreeExt
	if err := checkPath(strings.Repeat("b", MaxBaseBytes) + "/" + copies); err != nil {
		t.Error(err)
	}
	if checkPath(strings.Repeat("b", MaxBaseBytes+1)+"/data/a") == nil || checkPath("b/"+strings.Repeat("x", MaxNameBytes+1)) == nil {
		t.Error("longer names are accepted")
	}
}

// TestNothingOfAnAlteredPackIsParsed: the reader of JSON is not asked, and what would cost much to parse is not.
func TestNothingOfAnAlteredPackIsParsed(t *testing.T) {
	p := newPack(t, nil)
	for _, name := range []string{"data/record.json", EventsFile, "data/samples/query.bin", BagInfoFile, BagItFile, ManifestFile, SignatureFile, TagManifestFile} {
		undo := p.edit(t, name, func(b []byte) []byte { return append(b, "[[[[[[[[[[\n"...) })
		asked := 0
		o := p.options()
		inner := o.Content
		o.Content = func(z *Pack) (Content, error) { asked++; return inner(z) }
		r := verify(t, p.write(t), o)
		undo()
		if asked != 0 || r.Answer(Integrity) != Failed {
			t.Errorf("%s changed: JSON was asked for %d times, integrity %v", name, asked, r.Answer(Integrity))
		}
		for _, c := range r.Checks {
			if c.Status != Failed && (c.Name == "content" || c.Name == "events" || c.Name == "checkpoints" || c.Name == "bag info" || c.Name == "tree") {
				t.Errorf("%s changed, and yet: %v", name, c)
			}
			if strings.Contains(c.Detail, "JSON") {
				t.Errorf("%s changed, and parsed: %v", name, c)
			}
		}
	}
}

// TestWhereALogIsFirstAltered needs no JSON: the digests tell.
func TestWhereALogIsFirstAltered(t *testing.T) {
	p := newPack(t, nil)
	lines := strings.SplitAfter(string(p.read(t)[EventsFile]), "\n")
	for name, c := range map[string]struct{ log, want string }{
		"cut off behind event 1":        {strings.Join(lines[:2], ""), "first altered event: 1 (the last; or the log was cut off"},
		"torn inside event 2":           {strings.Join(lines[:2], "") + lines[2][:10], "first altered event: 2:"},
		"an event taken out":            {lines[0] + lines[2] + lines[3], "first altered event: 1:"},
		"no event left":                 {"", "first altered event: 0: the log is empty"},
		"a line without an end":         {lines[0] + strings.Repeat("x", MaxEventBytes+1), "first altered event: 1: line is too long"},
		"a text in it that is not JSON": {strings.Replace(strings.Join(lines, ""), "fault.injected", `fault"injected`, 1), "first altered event: 1:"},
	} {
		t.Run(name, func(t *testing.T) {
			defer p.edit(t, EventsFile, func([]byte) []byte { return []byte(c.log) })()
			mustName(t, verify(t, p.write(t), p.options()), EventsFile, c.want)
		})
	}
}
