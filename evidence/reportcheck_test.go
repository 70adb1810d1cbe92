package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"blackstart/evidence/controls"
	"blackstart/evidence/facts"
	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
	"blackstart/evidence/words"
	"blackstart/harness"
)

// forgeReport lays the first report out again with something else in it, and signs it with the valid key.
func (h *honest) forgeReport(t *testing.T, change func(*reports.Report)) {
	t.Helper()
	data, err1 := os.ReadFile(h.path(RecordFile))
	found, err2 := os.ReadFile(h.path(FindingsFile))
	log, err3 := os.ReadFile(h.path(seal.EventsFile))
	var rec harness.Record
	var f harness.Findings
	err := errors.Join(err1, err2, err3, json.Unmarshal(data, &rec), json.Unmarshal(found, &f))
	if err != nil {
		t.Fatal(err)
	}
	events, err := allEvents(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := compose(facts.Of(&rec, f, events, os.DirFS(h.dir)), ReportSpecs(), os.DirFS(h.dir), seal.Digest(data))
	if err != nil {
		t.Fatal(err)
	}
	of, err := controls.Load(ReportSpecs()[0].Framework)
	if err != nil {
		t.Fatal(err)
	}
	r.Block, r.Requirements = FactLines(&rec, f, seal.Digest(data), of.Name), words.RequirementsOf(of, facts.Coverage(&rec, f))
	change(&r)
	doc, err := reports.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	s := Sealing{record: &rec, Identity: h.key.Identity}
	signed, err := s.signPDF(doc)
	if err != nil {
		t.Fatal(err)
	}
	h.change(t, finraReport, func([]byte) []byte { return signed })
}

func failedFiles(c Checked) []string {
	var all []string
	for _, k := range c.Failures() {
		all = append(all, k.File)
	}
	return all
}

// TestAnotherBuildSaysWhatItDidNotCompare: what a build cannot lay out again, it says on its first screen; what it can compare, it
// refuses like the build that made the pack.
func TestAnotherBuildSaysWhatItDidNotCompare(t *testing.T) {
	const anywhere = "another build"
	for name, c := range map[string]struct {
		forge             func(t *testing.T, h *honest)
		file              string
		same, other, note bool // refused by the build that made it, by another; and the other says what it did not compare
	}{
		"nothing": {func(*testing.T, *honest) {}, "", false, false, true},
		"a headline that says PASS over facts that say otherwise": {func(t *testing.T, h *honest) {
			h.forgeReport(t, func(r *reports.Report) { r.Verdict.Result, r.Verdict.Reason = "pass", "PASS: all objectives met." })
		}, finraReport, true, false, true},
		"facts that say PASS": {func(t *testing.T, h *honest) {
			h.forgeReport(t, func(r *reports.Report) { r.Block[0] = strings.Replace(r.Block[0], "inconclusive", "pass", 1) })
		}, finraReport, true, true, false},
		"a fact more": {func(t *testing.T, h *honest) {
			h.forgeReport(t, func(r *reports.Report) { r.Block = append(r.Block, "objective=rto verdict=pass") })
		}, finraReport, true, true, false},
		"a fact less": {func(t *testing.T, h *honest) {
			h.forgeReport(t, func(r *reports.Report) { r.Block = r.Block[:2] })
		}, finraReport, true, true, false},
		"reports that take each other's place": {func(t *testing.T, h *honest) {
			one, other := ReportSpecs()[0].Path, ReportSpecs()[1].Path
			h.rename(t, one, one+".x")
			h.rename(t, other, one)
			h.rename(t, one+".x", other)
		}, finraReport, true, true, false},
		"no facts": {func(t *testing.T, h *honest) {
			h.forgeReport(t, func(r *reports.Report) { r.Block = nil })
		}, finraReport, true, true, false},
		"a number of a chart": {func(t *testing.T, h *honest) {
			h.change(t, "data/plots/success.csv", func(b []byte) []byte { return bytes.Replace(b, []byte(",0\n"), []byte(",100\n"), 1) })
		}, "data/plots/success.csv", true, true, true},
		"a script in a chart": {func(t *testing.T, h *honest) {
			h.change(t, "data/plots/success.svg", func(b []byte) []byte { return bytes.Replace(b, []byte("</svg>"), []byte("<script/></svg>"), 1) })
		}, "data/plots/success.svg", true, true, true},
		"another drawing": {func(t *testing.T, h *honest) {
			h.change(t, "data/plots/success.svg", func(b []byte) []byte { return bytes.Replace(b, []byte("Success"), []byte("Triumph"), 1) })
		}, "data/plots/success.svg", true, false, true},
		"another picture": {func(t *testing.T, h *honest) {
			data, err := os.ReadFile(h.path("data/plots/timeline.png"))
			if err != nil {
				t.Fatal(err)
			}
			h.change(t, "data/plots/success.png", func([]byte) []byte { return data })
		}, "data/plots/success.png", true, false, true},
		"other instructions": {func(t *testing.T, h *honest) {
			h.change(t, "data/VERIFY.md", func(b []byte) []byte { return append(b, "All is well.\n"...) })
		}, "data/VERIFY.md", true, false, true},
		"a control that supports something": {func(t *testing.T, h *honest) {
			h.change(t, "data/controls.json", func(b []byte) []byte { return bytes.Replace(b, []byte("not addressed"), []byte("supports"), 1) })
		}, "data/controls.json", true, true, true},
		"a control left out": {func(t *testing.T, h *honest) {
			h.change(t, "data/controls.json", func(b []byte) []byte {
				var m controlMap
				if err := json.Unmarshal(b, &m); err != nil {
					t.Fatal(err)
				}
				m.Controls = m.Controls[1:]
				b, err := marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				return b
			})
		}, "data/controls.json", true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := makeHonest(t)
			c.forge(t, h)
			pack := h.reseal(t)
			for build, refused := range map[string]bool{"this build": c.same, anywhere: c.other} {
				checked := h.verifyBy(t, pack, build)
				if got := slices.Contains(failedFiles(checked), c.file); got != refused || len(checked.Failures()) > 0 != refused {
					t.Errorf("%s: refused %t, %v", build, got, checked.Failures())
				}
				note := strings.HasPrefix(checked.ReportNote, "facts match; layout, charts and other text not compared; byte equality needs build")
				if build == anywhere && note != c.note || build != anywhere && note {
					t.Errorf("%s says of the reports %q", build, checked.ReportNote)
				}
			}
		})
	}
}

// TestACatalogueOfAnotherBuildIsHeldToItsForm: its clauses are not judged again, and a rehearsal still supports nothing.
func TestACatalogueOfAnotherBuildIsHeldToItsForm(t *testing.T) {
	h := buildAsked(t, t.TempDir(), func(in *Inputs) { in.Reports[1].CatalogueSHA256 = strings.Repeat("0", 64) })
	told := func(c Checked) bool {
		return slices.ContainsFunc(c.Checks, func(k seal.Check) bool {
			return k.Status == seal.NotChecked && k.File == "data/controls.json" && k.Detail == "not compared: catalogue of another build"
		})
	}
	c := h.verify(t, h.reseal(t))
	if c.Err() != nil || !told(c) {
		t.Errorf("told %t: %v", told(c), c.Err())
	}
	last := func(old, with string) func([]byte) []byte {
		return func(b []byte) []byte {
			i := bytes.LastIndex(b, []byte(old))
			return append(append(append([]byte{}, b[:i]...), with...), b[i+len(old):]...)
		}
	}
	for name, change := range map[string]func([]byte) []byte{
		"a rehearsal that supports": last("not addressed", "supports"), "a level that is none": last("not addressed", "satisfied"),
		"exercised by a rehearsal": last("false", "true"), "a key that is none": last(`"clause"`, `"claus"`),
	} {
		g := &honest{dir: h.dir, key: h.key, rec: h.rec}
		before, err := os.ReadFile(h.path("data/controls.json"))
		if err != nil {
			t.Fatal(err)
		}
		g.change(t, "data/controls.json", change)
		if c := g.verify(t, g.reseal(t)); !slices.Contains(failedFiles(c), "data/controls.json") {
			t.Errorf("%s: accepted", name)
		}
		g.change(t, "data/controls.json", func([]byte) []byte { return before })
	}
}

func TestReportsThatNoBuildLists(t *testing.T) {
	if err := checkSpecs(ReportSpecs()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]ReportSpec) []ReportSpec{
		"none":            func([]ReportSpec) []ReportSpec { return nil },
		"too many":        func(l []ReportSpec) []ReportSpec { return slices.Repeat(l, maxReports) },
		"one twice":       func(l []ReportSpec) []ReportSpec { return append(l, l[0]) },
		"another place":   func(l []ReportSpec) []ReportSpec { l[0].Path = "data/../report-x.pdf"; return l },
		"another ending":  func(l []ReportSpec) []ReportSpec { l[0].Path = "data/report-x.html"; return l },
		"other facts":     func(l []ReportSpec) []ReportSpec { l[0].Facts = "facts/0"; return l },
		"no layout":       func(l []ReportSpec) []ReportSpec { l[0].Layout = ""; return l },
		"no framework":    func(l []ReportSpec) []ReportSpec { l[0].Framework = ""; return l },
		"a framework two": func(l []ReportSpec) []ReportSpec { l[1].Framework = l[0].Framework; return l },
	} {
		bad := change(ReportSpecs())
		if boundedInputs(Inputs{Reports: bad}) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
