package seal

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Status of a check. The zero value is NotChecked: could not tell is never yes.
type Status int

// The three outcomes of a check.
const (
	NotChecked Status = iota
	OK
	Failed
)

func (s Status) String() string {
	return [...]string{"not checked", "ok", "failed"}[s]
}

// MarshalText lets a Status appear in JSON by its name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Question is one of the three that a report answers.
type Question string

// The three questions.
const (
	Integrity Question = "integrity" // are these the bytes that were signed?
	Origin    Question = "origin"    // did somebody sign whom the caller trusts?
	Time      Question = "time"      // is it proven when?
)

// Check is one thing that was looked at.
type Check struct {
	Question Question `json:"question"`
	Name     string   `json:"name"`
	Status   Status   `json:"status"`
	File     string   `json:"file,omitempty"` // inside the pack; empty: the pack as a whole
	Detail   string   `json:"detail,omitempty"`
}

func (c Check) String() string {
	s := fmt.Sprintf("%s: %s: %s", c.Question, c.Name, c.Status)
	if c.File != "" {
		s += ": " + c.File
	}
	if c.Detail != "" {
		s += ": " + c.Detail
	}
	return s
}

// Report is what Verify found. A pack that is not what it should be shows as
// failed checks, never as an error.
type Report struct {
	Checks          []Check                `json:"checks"`
	Files           int                    `json:"files"` // payload files
	Octets          int64                  `json:"octets"`
	ManifestSHA256  string                 `json:"manifest_sha256,omitempty"`
	SignatureSHA256 string                 `json:"signature_sha256,omitempty"`
	SignerName      string                 `json:"signer_name,omitempty"`
	SignerSPKI      string                 `json:"signer_spki_sha256,omitempty"`
	SignedAt        time.Time              `json:"signed_at"` // self-asserted; zero without a good signature
	Info            BagInfo                `json:"-"`         // as bag-info.txt says
	Chain           Chain                  `json:"-"`         // of the event log, as far as it is good
	Walked          map[string]FileDigests `json:"-"`         // by name, each binary file whose tree file is right
	Signature       *Signature             `json:"-"`         // nil unless it fits the manifest
	Rooted          *Rooted                `json:"-"`         // nil unless the signer leads to one of Options.Roots and Trust was not given
}

// Answer is the status of one question: Failed if any of its checks failed,
// else OK if any was ok, else NotChecked; for origin and time, one check that
// could not be made leaves the whole NotChecked.
func (r *Report) Answer(q Question) Status {
	answer, open := NotChecked, false
	for _, c := range r.Checks {
		if c.Question != q {
			continue
		}
		switch {
		case c.Status == Failed:
			return Failed
		case c.Status == OK:
			answer = OK
		case q != Integrity:
			open = true
		}
	}
	if open {
		return NotChecked
	}
	return answer
}

// Failures returns the checks that failed.
func (r *Report) Failures() []Check {
	var out []Check
	for _, c := range r.Checks {
		if c.Status == Failed {
			out = append(out, c)
		}
	}
	return out
}

// Err is nil unless a check failed; else it lists the failed ones, a line each.
func (r *Report) Err() error {
	var lines []string
	for _, c := range r.Failures() {
		lines = append(lines, c.String())
	}
	if lines == nil {
		return nil
	}
	return errors.New("pack does not verify:\n" + strings.Join(lines, "\n"))
}

// Add appends checks that the caller made itself.
func (r *Report) Add(checks ...Check) { r.Checks = append(r.Checks, checks...) }

func (r *Report) add(q Question, name string, s Status, file, format string, args ...any) {
	r.Add(Check{Question: q, Name: name, Status: s, File: file, Detail: fmt.Sprintf(format, args...)})
}

// judge adds an ok check, or a failed one that says why. A Refusal's own file
// wins over file.
func (r *Report) judge(q Question, name, file string, err error) bool {
	var ref *Refusal
	switch {
	case err == nil:
		r.add(q, name, OK, file, "")
		return true
	case errors.As(err, &ref) && ref.File != "":
		r.add(q, name, Failed, ref.File, "%s", ref.Reason)
	default:
		r.add(q, name, Failed, file, "%s", err.Error())
	}
	return false
}
