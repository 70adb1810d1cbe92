package scenarios

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// folder writes files into a new folder and gives its path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mustLoad(t *testing.T, file, profile string) (*harness.Scenario, Loaded) {
	t.Helper()
	s, l, err := Load(file, profile)
	if err != nil {
		t.Fatal(err)
	}
	return s, l
}

func TestOneFileIsDigestedAsItIs(t *testing.T) {
	file := examples + "/valid.yaml"
	_, l := mustLoad(t, file, "")
	text := read(t, file)
	if string(l.Source) != text || l.SHA256 != digest([]byte(text)) || l.Profile != Standard || l.Path != file {
		t.Errorf("loaded %s, %s, %s", l.Path, l.SHA256, l.Profile)
	}
	if len(l.Files) != 1 || l.Files[0].Name != file || l.Files[0].SHA256 != l.SHA256 {
		t.Errorf("files %+v", l.Files)
	}
}

func TestDigestCoversWhatIsExtended(t *testing.T) {
	files := map[string]string{
		"valid.yaml": read(t, examples+"/valid.yaml"),
		"child.yaml": "extends: valid.yaml\nmetadata: {name: child}", // no newline at its end
		"grand.yaml": "extends: child.yaml\nmetadata: {name: grand}\nsettle: 7s\n",
	}
	dir := folder(t, files)
	_, before := mustLoad(t, filepath.Join(dir, "grand.yaml"), "fast")
	want := files["grand.yaml"] + "--- # extends child.yaml\n" + files["child.yaml"] + "\n--- # extends valid.yaml\n" + files["valid.yaml"]
	if string(before.Source) != want || before.SHA256 != digest([]byte(want)) || len(before.Files) != 3 {
		t.Errorf("source is\n%s", before.Source)
	}
	if err := os.WriteFile(filepath.Join(dir, "valid.yaml"), []byte(files["valid.yaml"]+"# a comment\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, after := mustLoad(t, filepath.Join(dir, "grand.yaml"), "fast"); after.SHA256 == before.SHA256 {
		t.Error("a change of the extended file does not change the digest")
	}
}

func TestExtends(t *testing.T) {
	dir := folder(t, map[string]string{
		"valid.yaml": read(t, examples+"/valid.yaml"),
		"child.yaml": `extends: valid.yaml
metadata: {name: child, covers: [B1]}
target: {settings: {commit: null, documents: 1000, pager.muted: true}}
load:
  queries: {rate: 120/s}
  isolated:
  second: {workload: metronome, place: outside, rate: 10/s, timeout: 1s}
objectives:
  rto: {source: "BCP 5"}
guards: []
recovered: {minRequests: 400}
profiles: {fast: {observe: 3m, objectives: {page: null}}, slow: {settle: 2m}}
`,
	})
	s, _ := mustLoad(t, filepath.Join(dir, "child.yaml"), "fast")
	var ids []string
	for _, l := range s.Load {
		ids = append(ids, l.ID)
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"loads", ids, []string{"queries", "ledger", "edge", "second"}},
		{"changed rate", s.Load[0].Rate.String(), "120/s"},
		{"kept cohorts", s.Load[0].With["cohorts"], []any{"fresh", "pooled", "stale-resolver"}},
		{"settings", s.Target.Settings, map[string]string{"documents": "1000", "pager.muted": "true"}},
		{"kept needs", len(s.Target.Needs), 4},
		{"replaced list", s.Metadata.Covers, []string{"B1"}},
		{"emptied list", s.Guards, []harness.Guard{}},
		{"kept title", s.Metadata.Title, "A scenario in which nothing is wrong"},
		{"source of the profile", s.Objectives[0].Source, "3 checks at 1 s + TTL 2 s + margin"},
		{"bound no longer in the profile", s.Objectives[2].AtMost, "2m"},
		{"recovered", [2]any{s.Recovered.Window.String(), s.Recovered.MinRequests}, [2]any{"5s", 400}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestExtendsIsBounded(t *testing.T) {
	files := map[string]string{"f0.yaml": read(t, examples+"/valid.yaml")}
	for i := 1; i <= maxExtends+1; i++ {
		files["f"+string(rune('0'+i))+".yaml"] = "extends: f" + string(rune('0'+i-1)) + ".yaml\nmetadata: {name: f" + string(rune('0'+i)) + "}\n"
	}
	dir := folder(t, files)
	mustLoad(t, filepath.Join(dir, "f4.yaml"), "")
	_, _, err := Load(filepath.Join(dir, "f5.yaml"), "")
	if err == nil || !strings.Contains(err.Error(), "f1.yaml:1: more than 4 files extend one another") {
		t.Errorf("error %v", err)
	}
}

func TestParseWithoutFolder(t *testing.T) {
	data := []byte("extends: valid.yaml\nmetadata: {name: x}\n")
	_, _, err := Parse("x.yaml", data, nil, "")
	if err == nil || !strings.Contains(err.Error(), "x.yaml:1: valid.yaml cannot be looked up here") {
		t.Errorf("error %v", err)
	}
	refuse := func(string) ([]byte, error) { return nil, errors.New("the disk is on fire") }
	_, _, err = Parse("x.yaml", data, refuse, "")
	if err == nil || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("error %v", err)
	}
	s, _, err := Parse("x.yaml", data, func(n string) ([]byte, error) { return os.ReadFile(filepath.Join(examples, n)) }, "")
	if err != nil || s.Metadata.Name != "x" {
		t.Errorf("error %v", err)
	}
}

func TestProfiles(t *testing.T) {
	file := "finrag/region-partition.yaml"
	own, _ := mustLoad(t, file, "")
	standard, l := mustLoad(t, file, "standard")
	if !reflect.DeepEqual(own, standard) || l.Profile != Standard {
		t.Error("standard is not the file's own numbers")
	}
	_, _, err := Load(file, "fsat")
	if err == nil || err.Error() != file+`:46: the scenario has no profile "fsat": choose fast or standard, or write it under profiles` {
		t.Errorf("error %v", err)
	}
	dir := folder(t, map[string]string{"valid.yaml": read(t, examples+"/valid.yaml") + "  standard: {settle: 90s}\n"})
	if s, _ := mustLoad(t, filepath.Join(dir, "valid.yaml"), ""); s.Settle.String() != "1m30s" {
		t.Errorf("a profile called standard was not applied: settle %s", s.Settle)
	}
}

func TestSizeIsBounded(t *testing.T) {
	text := read(t, examples+"/valid.yaml")
	fits := text + "#" + strings.Repeat("x", MaxSize-len(text)-1)
	dir := folder(t, map[string]string{"valid.yaml": fits})
	file := filepath.Join(dir, "valid.yaml")
	mustLoad(t, file, "")
	if err := os.WriteFile(file, []byte(fits+"x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(file, ""); err == nil || !strings.Contains(err.Error(), "valid.yaml:1: the file has 262145 bytes") {
		t.Errorf("error %v", err)
	}
}

func TestUnreadableFileIsNoProblemOfTheScenario(t *testing.T) {
	_, _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), "")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	var p Problems
	if _, _, err := Load(t.TempDir(), ""); err == nil || errors.As(err, &p) {
		t.Errorf("a folder gives %v", err)
	}
}

// TestASealedScenarioIsReadAndNotJudged: what it says is the same, profile and all, whatever this build would refuse.
func TestASealedScenarioIsReadAndNotJudged(t *testing.T) {
	text := read(t, examples+"/valid.yaml")
	refused := strings.NewReplacer("confirmWithin: 2s", "confirmWithin: 1ns", "rate: 150/s", "rate: 30/m").Replace(text)
	if _, _, err := Parse("valid.yaml", []byte(refused), nil, "fast"); err == nil {
		t.Fatal("it is not refused at all")
	}
	s, l, err := (Reader{Sealed: true}).Parse("valid.yaml", []byte(refused), nil, "fast")
	if err != nil || s.Observe.String() != "30s" || s.Faults[0].ConfirmWithin != 1 || l.Profile != "fast" {
		t.Errorf("%v, %+v", err, s)
	}
	judged, _, err := Parse("valid.yaml", []byte(text), nil, "fast")
	again, _, err2 := (Reader{Sealed: true}).Parse("valid.yaml", []byte(text), nil, "fast")
	if err != nil || err2 != nil || !reflect.DeepEqual(judged, again) {
		t.Errorf("another scenario was read: %v, %v", err, err2)
	}
	if _, _, err := (Reader{Sealed: true}).Parse("valid.yaml", []byte(text), nil, "quick"); err == nil {
		t.Error("a profile that it does not have was applied")
	}
}

func TestAByteOrderMarkMayBeginAFile(t *testing.T) {
	text := read(t, examples+"/valid.yaml")
	for mark, fine := range map[string]bool{"": true, "\ufeff": true, "\ufeff\ufeff": false, "\ufeff---\n": true, "---\n\ufeff": false, "# a comment\n\ufeff": false} {
		_, l, err := Parse("valid.yaml", []byte(mark+text), nil, "")
		if (err == nil) != fine || err == nil && string(l.Source) != mark+text {
			t.Errorf("%q: %v", mark, err)
		}
		if err != nil && !strings.Contains(err.Error(), "byte order mark") {
			t.Errorf("%q: %v", mark, err)
		}
	}
}

// TestJoinersMayStand: scripts and pictures need them.
func TestJoinersMayStand(t *testing.T) {
	text := strings.Replace(read(t, examples+"/valid.yaml"), "A scenario in which", "نمی\u200cخواهم 👩\u200d💻 ä in which", 1)
	if _, _, err := Parse("valid.yaml", []byte(text), nil, ""); err != nil {
		t.Error(err)
	}
}

func TestNamesAreCheckedOnlyIfKnown(t *testing.T) {
	text := strings.NewReplacer("https", "https2", "region.partition, on: p", "region.flood, on: p",
		"pagerduty, ", "pigeon, ", "fast:", "quick:", "commit: s", "comit: s").Replace(read(t, examples+"/valid.yaml"))
	dir := folder(t, map[string]string{"valid.yaml": text})
	mustLoad(t, filepath.Join(dir, "valid.yaml"), "")
	if all := problemsOf(t, filepath.Join(dir, "valid.yaml"), ""); len(all) != 4 {
		t.Errorf("problems:\n%v", all)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	text := "metadata:\n" + strings.Repeat("  x: 1\n", 10*strictyaml.MaxProblems)
	_, _, err := Parse("x.yaml", []byte(text), nil, "")
	var all Problems
	if !errors.As(err, &all) || len(all) != strictyaml.MaxProblems {
		t.Errorf("%d problems", len(all))
	}
}

func TestColumns(t *testing.T) {
	all := problemsOf(t, examples+"/invalid-unknown-key.yaml", "")
	if p := all[2]; p.Line != 8 || p.Column != 13 {
		t.Errorf("%+v", p)
	}
}

func TestUnquotedAmountAndZeroRate(t *testing.T) {
	text := strings.NewReplacer(`"100.00"`, "100.00", "250/s", "0/s").Replace(read(t, examples+"/valid.yaml"))
	s, _ := mustLoad(t, filepath.Join(folder(t, map[string]string{"valid.yaml": text}), "valid.yaml"), "")
	if s.Load[1].With["amount"] != "100.00" || s.Load[1].Rate.Count != 0 {
		t.Errorf("load %+v", s.Load[1])
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(examples + "/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	resolve := func(n string) ([]byte, error) { return os.ReadFile(filepath.Join(examples, filepath.Base(n))) }
	f.Fuzz(func(t *testing.T, data []byte) {
		kept := bytes.Clone(data)
		s, l, err := Reader{Known: known}.Parse("valid.yaml", data, resolve, "fast")
		if !bytes.Equal(kept, data) {
			t.Fatal("the input was changed")
		}
		if err == nil {
			if s == nil || l.SHA256 == "" || !bytes.HasPrefix(l.Source, data) {
				t.Fatal("no error, and no scenario")
			}
			return
		}
		var all Problems
		if !errors.As(err, &all) || len(all) == 0 || s != nil {
			t.Fatalf("error %T", err)
		}
		for _, p := range all {
			if p.Line < 1 || p.Column < 1 || p.File == "" || p.Message == "" {
				t.Fatalf("problem %+v", p)
			}
			if p.File == "valid.yaml" && p.Line > bytes.Count(data, []byte("\n"))+2 {
				t.Fatalf("problem behind the end: %+v", p)
			}
		}
	})
}
