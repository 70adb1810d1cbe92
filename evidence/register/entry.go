package register

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"blackstart/evidence/seal"
)

// MaxEntryBytes is the longest entry; MaxEntries the largest register.
const (
	MaxEntryBytes = 8 << 10
	MaxEntries    = 1 << 20
)

// Entry is one line of the register: register/entry/N.json. It has exactly one way to be written.
type Entry struct {
	Format    string          `json:"format"`
	Origin    string          `json:"origin"`
	Index     int64           `json:"index"`
	Prev      string          `json:"prev"`  // SHA-256 of the file of entry N−1; of store.json for N = 0
	Nonce     string          `json:"nonce"` // makes every attempt to append one of its own
	At        string          `json:"at"`    // RFC 3339 UTC, nine decimals: the writer's clock
	By        string          `json:"by"`    // who ran the command; self-asserted
	Kind      Kind            `json:"kind"`
	Body      json.RawMessage `json:"body"`
	Signature string          `json:"signature"` // Ed25519 over the file with this value empty, base64
}

// Kind says what an entry tells.
type Kind string

// The kinds that this build writes.
const (
	KindOpened  Kind = "opened"
	KindClosed  Kind = "closed"
	KindAmended Kind = "amended"
	KindParked  Kind = "parked"
)

// later are the kinds that are defined and that this build reads but does not write.
var later = []Kind{"approved", "reviewed", "stamped", "archived", "hold"}

// Known tells whether this build knows what a kind means.
func (k Kind) Known() bool {
	return k.written() || slices.Contains(later, k) || strings.HasPrefix(string(k), "issue.")
}

func (k Kind) written() bool { return newBody(k) != nil }

// Body is what an entry of a kind that this build writes tells.
type Body interface {
	kind() Kind
	check() error
	run() string
}

func newBody(k Kind) Body {
	switch k {
	case KindOpened:
		return &Opened{}
	case KindClosed:
		return &Closed{}
	case KindAmended:
		return &Amended{}
	case KindParked:
		return &Parked{}
	}
	return nil
}

// Opened tells of a run before it starts.
type Opened struct {
	Run            string   `json:"run"`
	Pack           string   `json:"pack"`          // id
	InputsSHA256   string   `json:"inputs_sha256"` // of data/inputs.json, which names the key of the run
	Scenario       string   `json:"scenario"`
	Class          string   `json:"class"`
	Profile        string   `json:"profile"`
	ScenarioSHA256 string   `json:"scenario_sha256"` // of the lines that sha256sum prints for its files, in order
	Objectives     []string `json:"objectives"`      // in words
	Faults         []string `json:"faults"`
	TargetSHA256   string   `json:"target_sha256"`
	PlanSHA256     string   `json:"plan_sha256"`
	ToolSHA256     string   `json:"tool_sha256"`
	ToolVersion    string   `json:"tool_version"`
}

func (*Opened) kind() Kind    { return KindOpened }
func (o *Opened) run() string { return o.Run }
func (o *Opened) check() error {
	if err := checkRun(o.Run); err != nil {
		return err
	}
	if o.Pack == "" || o.Scenario == "" || o.Class == "" || o.Profile == "" {
		return errors.New("pack, scenario, class or profile is empty")
	}
	return checkDigests(o.InputsSHA256, o.ScenarioSHA256, o.TargetSHA256, o.PlanSHA256, o.ToolSHA256)
}

// Results of a run. Everything but Passed counts as not passed.
const (
	Passed       = "passed"
	Failed       = "failed"
	Inconclusive = "inconclusive"
	Stopped      = "stopped"
	UndoOpen     = "undo-incomplete"
	Interrupted  = "interrupted"
)

// Results lists them in the order of tables.
var Results = []string{Passed, Failed, Inconclusive, Stopped, UndoOpen, Interrupted}

// Closed tells how a run ended.
type Closed struct {
	Run        string `json:"run"`
	Opened     int64  `json:"opened"` // index of the entry that opened it
	Result     string `json:"result"`
	Exit       int    `json:"exit"`
	Reason     string `json:"reason"`           // of one that was interrupted: why; else the drill's own
	PackSHA256 string `json:"pack_sha256"`      // of the sealed pack; "": there is none
	Signature  string `json:"signature_sha256"` // of its signatures/manifest.p7s
}

func (*Closed) kind() Kind    { return KindClosed }
func (c *Closed) run() string { return c.Run }
func (c *Closed) check() error {
	switch {
	case !slices.Contains(Results, c.Result):
		return fmt.Errorf("result %q is none of %v", c.Result, Results)
	case c.Reason == "":
		return errors.New("no reason is given")
	case c.PackSHA256 == "" && c.Result != Interrupted:
		return errors.New("only a run that was interrupted may have no pack")
	case (c.Result == Passed) != (c.Exit == 0):
		return fmt.Errorf("result %s does not go with exit %d", c.Result, c.Exit)
	}
	err := errors.Join(checkRun(c.Run), checkOpened(c.Opened))
	if c.PackSHA256 != "" || c.Signature != "" {
		err = errors.Join(err, checkDigests(c.PackSHA256, c.Signature))
	}
	return err
}

// Parked tells of a run whose record can never be sealed.
type Parked struct {
	Run    string `json:"run"`
	Opened int64  `json:"opened"`
	Reason string `json:"reason"`
}

func (*Parked) kind() Kind    { return KindParked }
func (p *Parked) run() string { return p.Run }
func (p *Parked) check() error {
	if p.Reason == "" {
		return errors.New("no reason is given")
	}
	return errors.Join(checkRun(p.Run), checkOpened(p.Opened))
}

// Amended tells that something was added beside a pack, which itself never changes.
type Amended struct {
	Run             string `json:"run"`
	PackSHA256      string `json:"pack_sha256"`
	AmendmentSHA256 string `json:"amendment_sha256"`
	Reason          string `json:"reason"`
}

func (*Amended) kind() Kind    { return KindAmended }
func (a *Amended) run() string { return a.Run }
func (a *Amended) check() error {
	if a.Reason == "" {
		return errors.New("no reason is given")
	}
	return errors.Join(checkRun(a.Run), checkDigests(a.PackSHA256, a.AmendmentSHA256))
}

func checkOpened(n int64) error {
	if n < 0 || n >= MaxEntries {
		return fmt.Errorf("opened is %d, which is no entry", n)
	}
	return nil
}

func checkRun(run string) error {
	if run == "" || len(run) > 64 || seal.CheckName(run) != nil || strings.Contains(run, "/") {
		return fmt.Errorf("run %.70q is no run id", run)
	}
	return nil
}

func checkDigests(all ...string) error {
	for _, d := range all {
		if len(d) != 64 || strings.Trim(d, "0123456789abcdef") != "" {
			return fmt.Errorf("%.70q is not a lower-case hex SHA-256", d)
		}
	}
	return nil
}

// encode is the one way in which a file of the register is written: compact, no HTML escapes, final newline.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// timeLayout is that of a pack: RFC 3339 UTC with nine decimals.
const timeLayout = "2006-01-02T15:04:05.000000000Z"

// Time is when the entry was written, by its writer's clock.
func (e Entry) Time() time.Time {
	t, _ := time.Parse(timeLayout, e.At) // parse has checked it
	return t
}

// sign gives the bytes of the entry's file.
func (e Entry) sign(k *Key) ([]byte, error) {
	e.Signature = ""
	data, err := encode(e)
	if err != nil {
		return nil, err
	}
	sig, err := k.Sign(data)
	if err != nil {
		return nil, err
	}
	e.Signature = base64.StdEncoding.EncodeToString(sig)
	if data, err = encode(e); err != nil {
		return nil, err
	}
	if len(data) > MaxEntryBytes {
		return nil, fmt.Errorf("it has %d bytes, up to %d are allowed", len(data), MaxEntryBytes)
	}
	return data, nil
}

// signedBy checks the signature.
func (e Entry) signedBy(v note.Verifier) error {
	sig, err := base64.StdEncoding.Strict().DecodeString(e.Signature)
	if err != nil {
		return errors.New("its signature is not base64")
	}
	e.Signature = ""
	data, err := encode(e)
	if err != nil {
		return err
	}
	if !v.Verify(data, sig) {
		return errors.New("it is not signed by the register's key")
	}
	return nil
}

// ParseEntry reads an entry's file, in exactly the form in which it is written. Of a kind that this build does not write the
// body is any JSON. The signature is not checked.
func ParseEntry(data []byte) (Entry, Body, error) {
	var e Entry
	if len(data) > MaxEntryBytes {
		return e, nil, ErrLong
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return e, nil, fmt.Errorf("it is no entry: %w", err)
	}
	if e.Format != entryFormat {
		if n, ok := strings.CutPrefix(e.Format, "blackstart.register/"); ok && n != "0" {
			return e, nil, fmt.Errorf("it has format %.40q, written by a newer version; this one reads %s", e.Format, entryFormat)
		}
		return e, nil, fmt.Errorf("its format is %.40q, not %s", e.Format, entryFormat)
	}
	again, err := encode(e)
	if err != nil || !bytes.Equal(again, data) {
		return e, nil, errors.New("it is not written as an entry is: keys in order, nothing else, one line")
	}
	if at, err := time.Parse(timeLayout, e.At); err != nil || at.Format(timeLayout) != e.At {
		return e, nil, fmt.Errorf("its time %.40q is not RFC 3339 UTC with nine decimals", e.At)
	}
	if e.Index < 0 || e.Index >= MaxEntries || e.By == "" || e.Nonce == "" || e.Kind == "" {
		return e, nil, errors.New("its index, by, nonce or kind is missing")
	}
	b, err := e.body()
	return e, b, err
}

// body decodes what the entry tells; nil for a kind that this build does not write.
func (e Entry) body() (Body, error) {
	b := newBody(e.Kind)
	if b == nil {
		return nil, seal.CheckJSON(append(slices.Clone(e.Body), '\n'))
	}
	if err := json.Unmarshal(e.Body, b); err != nil {
		return nil, fmt.Errorf("its body is none of kind %s: %w", e.Kind, err)
	}
	again, err := encode(b)
	if err != nil || !bytes.Equal(bytes.TrimSuffix(again, []byte("\n")), e.Body) {
		return nil, fmt.Errorf("its body is not written as one of kind %s is", e.Kind)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", e.Kind, err)
	}
	return b, nil
}

// leafHash is that of an entry in the log's tree.
func leafHash(data []byte) seal.Hash { return tlog.RecordHash(data) }
