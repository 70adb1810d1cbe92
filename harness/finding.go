package harness

// Verdict is the judgement of one objective or of a drill. The zero value is Inconclusive: missing is never a pass.
type Verdict int

// The three verdicts.
const (
	Inconclusive Verdict = iota
	Pass
	Fail
)

var verdictNames = [...]string{"inconclusive", "pass", "fail"}

func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		return verdictNames[Inconclusive]
	}
	return verdictNames[v]
}

// MarshalText writes the name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a name; an unknown one is inconclusive.
func (v *Verdict) UnmarshalText(b []byte) error {
	*v = Inconclusive
	for i, n := range verdictNames {
		if n == string(b) {
			*v = Verdict(i)
		}
	}
	return nil
}

// Exit codes: an API.
const (
	ExitPass         = 0
	ExitFail         = 1
	ExitInconclusive = 3
	ExitStopped      = 4
	ExitUndo         = 5
	ExitUsage        = 10
	ExitHarness      = 11
	// What a pack is refused for, by those who read packs. They end with ExitPass for one that is accepted, whatever its
	// drill's verdict; the lowest that applies wins, but a refused origin goes before an unproven one.
	ExitAltered    = 20 // it is not as it was signed, or its files contradict each other
	ExitUnproven   = 21 // nobody who is trusted vouches for the signer
	ExitRefused    = 22 // the signer is not one of those who are trusted
	ExitIncomplete = 23 // a layer is missing that the pack's own policy demands
)

// Measurement is a value found, with its bounds.
type Measurement struct {
	Name      string `json:"name"` // rto, rpo.time, lost.service, …
	Load      string `json:"load,omitempty"`
	Cohort    string `json:"cohort,omitempty"`
	Channel   string `json:"channel,omitempty"`
	After     string `json:"after,omitempty"`    // id of the fault that started its clock, where several do
	Unit      string `json:"unit"`               // ns, count, minor (of the currency), word
	Exponent  *uint8 `json:"exponent,omitempty"` // of a unit minor that is not 10^-2
	Known     bool   `json:"known"`
	Lo        int64  `json:"lo"`
	Hi        int64  `json:"hi"`
	Unbounded bool   `json:"unbounded"`      // Hi is infinite
	Seen      bool   `json:"seen,omitempty"` // of a state that was seen by polling: nothing was received
	Text      string `json:"text,omitempty"` // the word, where Unit is word; what clients saw, of an RTO that was not met
	Method    string `json:"method"`
	Detail    string `json:"detail"` // why it is not known, or what to bear in mind
}

// Finding is an objective, what was measured for it, and the verdict.
type Finding struct {
	Objective Objective   `json:"objective"`
	Measured  Measurement `json:"measured"`
	Verdict   Verdict     `json:"verdict"`
	Reason    string      `json:"reason"` // one sentence that needs no context
	Pointers  []string    `json:"pointers"`
}

// ValidityCheck is one condition without which nothing can be judged.
type ValidityCheck struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Class is one row of the ledger's classification.
type Class struct {
	Name   string `json:"name"` // durable, lost, ghost, stranded, clean-failure, contract-break, duplicate
	Count  int    `json:"count"`
	Amount Amount `json:"amount"`
}

// Findings is the judgement of a drill, derived from the Record and its files by pure functions.
type Findings struct {
	Format       string          `json:"format"`
	RunID        string          `json:"run_id"`
	Record       string          `json:"record_sha256"`
	Verdict      Verdict         `json:"verdict"`
	Exit         int             `json:"exit"`
	Reason       string          `json:"reason"` // the first line of the result
	Objectives   []Finding       `json:"objectives"`
	Measurements []Measurement   `json:"measurements"`
	Validity     []ValidityCheck `json:"validity"`
	Ledger       []Class         `json:"ledger"`
	LedgerNote   string          `json:"ledger_note"`
	Exceptions   []string        `json:"exceptions"` // targets that misbehaved, beyond the objectives
}

// Decimals is how many decimals a value in minor units is printed with.
func (m Measurement) Decimals() uint8 {
	if m.Exponent == nil {
		return usualDecimals
	}
	return *m.Exponent
}

// SetDecimals says how many decimals it has.
func (m *Measurement) SetDecimals(n uint8) {
	if m.Exponent = nil; n != usualDecimals {
		m.Exponent = &n
	}
}

// usualDecimals are those of most currencies: a measurement that says nothing has them.
const usualDecimals uint8 = 2
