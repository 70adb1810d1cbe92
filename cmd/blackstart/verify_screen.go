package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// firstKey is said of every pack: a key that was committed outside before the start would have to be looked up there.
const firstKey = "nothing outside this pack says that this run key is the first"

// shownFailures is how many failed checks the first screen names; JSON has them all.
const shownFailures = 12

// verifyResult is what verify says of a pack, in the order of its first screen; JSON carries the same.
type verifyResult struct {
	Headline  string       `json:"headline"` // line 1: how the drill ended, or that the pack cannot be believed
	Exit      int          `json:"exit"`
	Accepted  answer       `json:"accepted"`
	Verdict   string       `json:"verdict"` // the drill's own, "" if it could not be read
	Reason    string       `json:"reason"`
	Run       string       `json:"run"`
	Scenario  string       `json:"scenario"`
	Profile   string       `json:"profile"`
	Class     string       `json:"class"`
	Started   string       `json:"started"` // RFC 3339
	Ended     string       `json:"ended"`
	Unbound   string       `json:"unbound"` // of an interrupted run: how far the run's key bound what it recorded
	Status    answer       `json:"status"`  // whether it came to its end, apart from its verdict
	Executor  string       `json:"executor"`
	Signer    string       `json:"signer"`
	SHA256    string       `json:"signer_certificate_sha256"`
	Root      string       `json:"root_sha256"` // that the signer leads to, if one was given
	Integrity answer       `json:"integrity"`
	Origin    answer       `json:"origin"`
	Time      answer       `json:"time"`
	Report    answer       `json:"report"`
	Layers    answer       `json:"layers"`
	Register  answer       `json:"register"`
	Numbers   answer       `json:"numbers"`
	RunKey    string       `json:"run_key"`
	Checks    []seal.Check `json:"checks"`

	RegisterKey    string            `json:"register_key"` // public half, as the pack names it; "" without a register that holds
	ManifestSHA256 string            `json:"manifest_sha256"`
	Recomputed     *harness.Findings `json:"recomputed"`
	Errata         []erratum         `json:"errata"` // rules of the record that are known to be wrong by now
	failures       []seal.Check
}

// answer is one word, and what it rests on.
type answer struct {
	Answer string `json:"answer"`
	Why    string `json:"why"`
}

func (a answer) String() string {
	if a.Why == "" {
		return a.Answer
	}
	return a.Answer + ": " + a.Why
}

// newVerifyResult puts what was found about a pack into words.
func newVerifyResult(j checkedPack) verifyResult {
	t := verifyResult{Exit: j.code, Class: j.Class, RunKey: firstKey, Checks: j.Checks, ManifestSHA256: j.ManifestSHA256, Recomputed: j.Recomputed, Errata: errata(j.Corrections),
		Accepted: answer{"yes", ""}, Layers: answer{"none", "the policy in this pack demands no other signature"}}
	if why := refusals[j.code]; why != "" {
		t.Accepted = answer{"no", fmt.Sprintf("%s (exit %d)", why, j.code)}
	}
	if len(j.Demanded) > 0 {
		t.Layers = answer{"missing", strings.Join(j.Demanded, ", ")}
	}
	if j.Record == nil {
		t.Layers = answer{"unknown", "which signatures the policy demands was not read"}
	}
	t.describeDrill(j.Checked)
	t.Signer = "nobody: there is no good signature over this pack"
	if j.Signature != nil {
		t.Signer, t.SHA256 = j.SignerName, seal.Fingerprint(j.Signature.Signer())
	}
	if j.Rooted != nil {
		t.Root = j.Rooted.Root
	}
	t.Integrity, t.Origin, t.Time = integrity(j.Checked), origin(j), signedWhen(j.Checked)
	t.registered(j)
	t.Report, t.Numbers = reportAnswer(j.Checked), numbers(j.Checked)
	for _, k := range j.Failures() {
		if k.Question != seal.Origin {
			t.failures = append(t.failures, k)
		}
	}
	if t.Headline == "" {
		t.Headline = "UNKNOWN: how the drill ended could not be read"
	}
	if why := refusals[j.code]; j.code == harness.ExitRefused || j.code == harness.ExitIncomplete {
		t.Headline += " NOT ACCEPTED: " + why
	}
	if j.code == harness.ExitAltered {
		t.Headline = fmt.Sprintf("ALTERED OR CONTRADICTORY: %d of %d checks failed", len(t.failures), len(j.Checks))
	}
	return t
}

// describeDrill tells what the pack itself says of its drill.
func (t *verifyResult) describeDrill(c evidence.Checked) {
	if r := c.Record; r != nil {
		t.Run, t.Scenario, t.Profile, t.Executor = r.RunID, r.Scenario.Metadata.Name, r.Profile, r.Executor
		t.Unbound, t.Status = c.Unbound, answer{string(r.Status), r.StatusReason}
		t.Started, t.Ended = r.Started.Time().UTC().Format(time.RFC3339), r.Ended.Time().UTC().Format(time.RFC3339)
	}
	if f := c.Findings; f != nil {
		t.Verdict, t.Reason = f.Verdict.String(), f.Reason
		t.Headline = fmt.Sprintf("%s [%s, %s timings]", f.Reason, t.Class, t.Profile)
	}
}

func integrity(c evidence.Checked) answer {
	switch c.Answer(seal.Integrity) {
	case seal.OK:
		return answer{"ok", fmt.Sprintf("%d checks over %d files, nothing altered", len(c.Checks), c.Files)}
	case seal.Failed:
		return answer{"failed", "not as it was signed, or its files contradict each other"}
	}
	return answer{"unknown", "nothing could be checked"}
}

func origin(j checkedPack) answer {
	var why []string
	for _, k := range j.Checks {
		if k.Question == seal.Origin && k.Detail != "" {
			why = append(why, strings.ReplaceAll(strings.ReplaceAll(k.Detail, "check origin: ", ""), "\n", "; "))
		}
	}
	if j.beside != "" {
		why = append(why, "the root merely lies beside the pack")
	}
	a := answer{"unproven", strings.Join(why, "; ")}
	switch j.Answer(seal.Origin) {
	case seal.OK:
		return answer{"ok", "the trust file accepts this signer for a pack of class " + j.Class}
	case seal.Failed:
		a.Answer = "refused"
	default:
		if j.code == harness.ExitUnproven {
			a.Why += "; name a root with --root, or for anything but a rehearsal a trust file with --trust"
		}
	}
	return a
}

func signedWhen(c evidence.Checked) answer {
	switch {
	case c.Answer(seal.Time) == seal.OK:
		return answer{"ok", "signed at " + c.SignedAt.UTC().Format(time.RFC3339)}
	case c.Answer(seal.Time) == seal.Failed:
		return answer{"failed", "the time of signing is not as it is told"}
	case c.SignedAt.IsZero():
		return answer{"unknown", "no good signature"}
	}
	return answer{"self-asserted", "signed at " + c.SignedAt.UTC().Format(time.RFC3339) + " by the signer's own clock"}
}

// reportAnswer sums up what was checked of the signed reports.
func reportAnswer(c evidence.Checked) answer {
	var files []string
	for _, k := range c.Checks {
		if !strings.HasSuffix(k.File, ".pdf") || k.Question != seal.Integrity {
			continue
		}
		if k.Status == seal.Failed {
			return answer{"failed", k.File + ": " + k.Detail}
		}
		if k.Status == seal.OK && !slices.Contains(files, k.File) {
			files = append(files, k.File)
		}
	}
	if c.Record == nil || len(files) == 0 {
		return answer{"not checked", "no report was looked into"}
	}
	why := fmt.Sprintf("%d reports, signed with the same certificate, on this record", len(files))
	if c.ReportNote != "" {
		why += "; " + c.ReportNote
	}
	return answer{"ok", why}
}

func numbers(c evidence.Checked) answer {
	if c.Record == nil {
		return answer{"unknown", "no number of the pack was read"}
	}
	if c.Recomputed == nil {
		return answer{"not recomputed", "they are as the pack says; --recompute judges again from the raw samples"}
	}
	for _, k := range c.Failures() {
		if k.Name == "findings recomputed" {
			return answer{"OTHER", "the raw samples lead to other findings than the pack's"}
		}
	}
	return answer{"recomputed", "the raw samples lead to the findings of the pack"}
}

// subjectOf names what a check is about.
func subjectOf(k seal.Check) string {
	if k.File == "" {
		return "the pack as a whole"
	}
	return k.File
}

// print writes the first screen: at most 80 columns, nothing of the pack's that a terminal would obey.
func (t verifyResult) print(out io.Writer) error {
	var b strings.Builder
	put := func(text string, indent int) {
		for _, line := range wrap(breakLongWords(text, screenWidth-indent), screenWidth, indent) {
			b.WriteString(line + "\n")
		}
	}
	row := func(label, text string) {
		left := fmt.Sprintf("  %-11s ", label)
		for _, line := range wrap(breakLongWords(text, screenWidth-len(left)), screenWidth-len(left), 0) {
			b.WriteString(strings.TrimRight(left+line, " ") + "\n")
			left = strings.Repeat(" ", len(left))
		}
	}
	put(t.Headline, 2)
	for i, k := range t.failures {
		if i == shownFailures {
			put(fmt.Sprintf("  and %d more: --json has them all", len(t.failures)-i), 4)
			break
		}
		put(fmt.Sprintf("  %s: %s: %s", subjectOf(k), k.Name, k.Detail), 4)
	}
	b.WriteString("\n")
	if t.Run == "" {
		row("drill", "not read: of a pack that is not as it was signed nothing is")
	} else {
		if t.Exit == harness.ExitAltered && t.Reason != "" {
			row("it claims", t.Reason)
		}
		row("run", t.Run)
		row("scenario", fmt.Sprintf("%s (%s timings)", t.Scenario, t.Profile))
		row("class", t.Class)
		row("when", t.Started+" to "+t.Ended)
		if t.Status.Answer != string(harness.Completed) {
			row("ended", t.Status.String())
		}
		if t.Unbound != "" {
			row("bound", t.Unbound)
		}
		row("executor", t.Executor)
	}
	row("signer", t.Signer)
	if t.SHA256 != "" {
		row("fingerprint", t.SHA256)
	}
	for _, r := range []struct {
		label string
		a     answer
		asked bool // there is something to answer from
	}{{"integrity", t.Integrity, true}, {"origin", t.Origin, t.SHA256 != ""}, {"time", t.Time, t.SHA256 != ""}, {"report", t.Report, t.Run != ""},
		{"layers", t.Layers, t.Run != ""}, {"register", t.Register, t.Run != ""}, {"numbers", t.Numbers, t.Run != ""}} {
		if r.asked {
			row(r.label, r.a.String())
		}
		if r.label == "register" && t.RegisterKey != "" {
			row("its key", "")
			put(t.RegisterKey, 0) // on a line of its own, so that it can be compared and copied
		}
	}
	t.objectives(&b)
	for _, e := range t.Errata {
		row("erratum", e.String())
	}
	if t.Run != "" {
		put("  "+t.RunKey, 2)
	}
	row("accepted", t.Accepted.String())
	_, err := io.WriteString(out, b.String())
	return err
}

// objectives lists what was judged again.
func (t verifyResult) objectives(b *strings.Builder) {
	if t.Recomputed == nil {
		return
	}
	for _, o := range t.Recomputed.Objectives {
		fmt.Fprintf(b, "    %-12s %s, %s\n", truncate(o.Objective.ID, 12), truncate(measure.Value(o.Measured), 44), o.Verdict)
	}
}

// breakLongWords cuts words that are longer than a line.
func breakLongWords(text string, width int) string {
	body := strings.TrimLeft(text, " ")
	words := strings.Fields(body)
	for i, w := range words {
		r := []rune(w)
		var parts []string
		for ; len(r) > width; r = r[width:] {
			parts = append(parts, string(r[:width]))
		}
		words[i] = strings.Join(append(parts, string(r)), " ")
	}
	return text[:len(text)-len(body)] + strings.Join(words, " ")
}
