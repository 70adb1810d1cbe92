package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// result is what a run prints.
type result struct {
	Pack            string           `json:"pack"`
	Root            string           `json:"root"`
	RootFingerprint string           `json:"root_fingerprint"`
	ManifestSHA256  string           `json:"manifest_sha256"`
	Profile         string           `json:"profile"`
	Environment     string           `json:"environment"`
	Register        string           `json:"register"` // where it was opened and closed, in words; "": in none
	Findings        harness.Findings `json:"findings"`
}

// allowed is what an objective asks for, as it is written.
func allowed(o harness.Objective) string {
	if o.Is != "" {
		return o.Is
	}
	return o.AtMost
}

// screenWidth is what every printed table fits into.
const screenWidth = 80

// report prints the result: about ten lines, the first of which says why.
func (d *drillRun) report(out io.Writer, r result) error {
	if d.flags.asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		return enc.Encode(r)
	}
	f := r.Findings
	var b strings.Builder
	put := func(indent int, text string) {
		for _, line := range wrap(text, screenWidth, indent) {
			b.WriteString(line + "\n")
		}
	}
	put(2, fmt.Sprintf("%s [%s, %s timings]", f.Reason, r.Environment, r.Profile))
	fmt.Fprintf(&b, "\n  %-12s %-30s %-12s %s\n", "objective", "measured", "at most", "verdict")
	for _, o := range f.Objectives {
		name := o.Objective.ID
		if o.Objective.Cohort != "" {
			name += " " + o.Objective.Cohort
		}
		fmt.Fprintf(&b, "  %-12s %-30s %-12s %s\n", truncate(name, 12), truncate(measure.Value(o.Measured), 30), truncate(allowed(o.Objective), 12), o.Verdict)
	}
	b.WriteString("\n")
	for _, m := range f.Measurements {
		if m.Name == measure.NameOverheadMedian || m.Name == measure.NameOverheadP99 {
			put(4, fmt.Sprintf("  the harness's own overhead: %s %s (%s)", m.Name, measure.Value(m), m.Detail))
		}
	}
	for _, e := range f.Exceptions {
		put(4, "  note: "+e)
	}
	b.WriteString("  pack    " + r.Pack + "\n")
	check := "  verify  blackstart verify " + r.Pack + " --recompute"
	if root := " --root " + r.Root; utf8.RuneCountInString(check+root) <= screenWidth {
		b.WriteString(check + root + "\n")
	} else {
		b.WriteString(check + " \\\n           " + root + "\n") // still one command when it is pasted
	}
	if r.Register != "" {
		put(10, "  register "+r.Register)
	}
	if r.RootFingerprint != "" {
		put(10, "  signed by a throw-away key, root "+r.RootFingerprint[:16]+"…: integrity since sealing only; anyone can make another")
	}
	if f.Exit == harness.ExitUndo {
		put(2, "UNDO INCOMPLETE: act now. Run: blackstart undo")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	Failure *junitText `xml:"failure,omitempty"`
	Error   *junitText `xml:"error,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
}

// writeJUnit writes one test case per objective and one for the drill. Inconclusive is an error: missing is never a pass.
func writeJUnit(out io.Writer, name string, f harness.Findings) error {
	s := junitSuite{Name: "blackstart." + name}
	add := func(id string, v harness.Verdict, reason string) {
		c := junitCase{Name: id, Class: name}
		switch v {
		case harness.Fail:
			c.Failure = &junitText{reason}
			s.Failures++
		case harness.Inconclusive:
			c.Error = &junitText{reason}
			s.Errors++
		}
		s.Tests++
		s.Cases = append(s.Cases, c)
	}
	add("drill", f.Verdict, f.Reason)
	for _, o := range f.Objectives {
		add(o.Objective.ID, o.Verdict, o.Reason)
	}
	data, err := xml.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	if _, err := out.Write(append([]byte(xml.Header), append(data, '\n')...)); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	return nil
}

// openJUnit makes the file before the drill, so that a path that cannot be written is found while nothing has been started;
// nil where none is asked for.
func openJUnit(path string) (*os.File, error) {
	if path == "" {
		return nil, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, usage(fmt.Errorf("make the folder of the JUnit file: %w", err), "name a file that can be written: --junit out/junit.xml")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, usage(fmt.Errorf("open the JUnit file: %w", err), "name a file that can be written: --junit out/junit.xml")
	}
	return f, nil
}
