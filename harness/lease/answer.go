package lease

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// State is what has become of a lease.
type State string

// The states of a lease.
const (
	None     State = "none"      // there is none
	Armed    State = "armed"     // it lives
	Over     State = "over"      // nothing more is done in its run, which is being undone
	Expired  State = "expired"   // it was not renewed, or the executor has started anew
	Released State = "released"  // it has ended with everything undone
	OtherRun State = "other-run" // it is of another run
)

// Is is what has become of an entry.
type Is string

// What becomes of entries.
const (
	Begun   Is = "begun"   // its Do has begun, and nobody knows how it ended
	InForce Is = "inforce" // it has been done
	Gone    Is = "gone"    // it has been done, and was found free since
	Refused Is = "refused" // nothing was done
	Undone  Is = "undone"  // it has been undone
	Failed  Is = "failed"  // its Undo was done, and it is in force all the same
	Other   Is = "other"   // it was found in a state that is neither free nor ours, and left alone
	Left    Is = "left"    // it stays in force on purpose
	Held    Is = "held"    // its Guard has not let the executor undo it
)

// Moment is when something was, by the executor. Only the uptime is good for anything but reading.
type Moment struct {
	Uptime time.Duration // since its boot
	Wall   time.Time
}

// Status is how a lease is, as the executor says.
type Status struct {
	State   State
	Run     string // whose lease it is
	Mine    bool   // this process holds it
	By      string // the machine and the process that armed it
	Left    time.Duration
	TTL     time.Duration
	Every   time.Duration // between renewals
	Alive   bool          // the watchdog runs
	Now     Moment
	Entries []EntryStatus // in the order in which they were done

	beat time.Duration
}

// EntryStatus is how an entry is.
type EntryStatus struct {
	ID          string
	Is          Is
	Found, Word string // what State said before its Do, and when it was last asked; "" if it was not, !… if it gave no word
	Held        bool
	Most        int
	Did, Undid  Moment // when its Do began, and when it was found undone
}

// InForce tells whether an entry may still be in force.
func (e EntryStatus) InForce() bool { return e.Is != Undone && e.Is != Refused && e.Is != Left }

// Result is what came of a Do or an Undo.
type Result struct {
	Status Status
	Found  string // what State said before it; "" where nothing was asked
	Now    string // and what after it
	Ran    bool   // a Do, or an Undo, was run
	Code   int    // its exit code, 124 if it was ended at its limit
	Said   string // the last line that it complained of, if that was its end
	Absent bool   // of an Undo: the entry had never arrived, or is not there any more
}

type answer struct {
	Status
	Result
	outcome, why string
	ours         []string
}

// errAnswer is what is wrong with an answer of which a part is missing or not as it should be.
var errAnswer = errors.New("what the script there said cannot be read")

// parse reads what the script says. It takes nothing that the script does not say.
func parse(text []byte) (answer, error) {
	lines := strings.Split(string(bytes.TrimSuffix(text, []byte{'\n'})), "\n")
	if n := len(lines); n < 5 || lines[0] != "blackstart-lease 1" || lines[n-1] != "end" {
		return answer{}, fmt.Errorf("%w: it has no beginning, or no end", errAnswer)
	}
	var a answer
	need := map[string]bool{"outcome": true, "lease": true, "moment": true, "result": true}
	once := map[string]bool{}
	for _, line := range lines[1 : len(lines)-1] {
		key, rest, _ := strings.Cut(line, " ")
		f := &fields{all: strings.Split(rest, " ")}
		delete(need, key)
		if key != "entry" && once[key] {
			return answer{}, fmt.Errorf("%w: %s stands there twice", errAnswer, key)
		}
		once[key] = true
		switch key {
		case "outcome":
			a.outcome = f.word()
		case "why":
			f.all, a.why = nil, printable(rest)
		case "said":
			f.all, a.Said = nil, printable(rest)
		case "ours":
			for len(f.all) > 0 {
				a.ours = append(a.ours, f.word())
			}
		case "lease":
			f.lease(&a.Status)
		case "moment":
			a.Status.Now = f.moment()
		case "result":
			a.Found, a.Result.Now = f.optional(), f.optional()
			a.Code, a.Ran = f.code()
		case "entry":
			a.Entries = append(a.Entries, f.entry())
		default:
			return answer{}, fmt.Errorf("%w: there is a line %.20q", errAnswer, key)
		}
		if f.wrong || len(f.all) > 0 {
			return answer{}, fmt.Errorf("%w: its line %s", errAnswer, key)
		}
	}
	if len(need) > 0 {
		return answer{}, fmt.Errorf("%w: a line is missing", errAnswer)
	}
	slices.Reverse(a.Entries) // the script begins with the last
	a.Result.Status, a.Absent = a.Status, a.outcome == "absent"
	return a, nil
}

// printable is text that a terminal takes as it is.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text[:min(len(text), 1000)])
}

// fields takes the words of a line one by one.
type fields struct {
	all   []string
	wrong bool
}

// word takes a word of printable characters.
func (f *fields) word() string {
	if len(f.all) == 0 || f.all[0] == "" || len(f.all[0]) > 300 || printable(f.all[0]) != f.all[0] {
		f.all, f.wrong = nil, true
		return ""
	}
	w := f.all[0]
	f.all = f.all[1:]
	return w
}

// optional takes a word that may be missing, as - says.
func (f *fields) optional() string {
	if w := f.word(); w != "-" {
		return w
	}
	return ""
}

func (f *fields) number() int64 {
	n, err := strconv.ParseInt(f.word(), 10, 64)
	if err != nil || n > 1e15 || n < -1e15 {
		f.wrong = true
		return 0
	}
	return n
}

// centis takes a time in hundredths of a second.
func (f *fields) centis() time.Duration {
	n := f.number()
	if n > 1e11 || n < -1e11 {
		f.wrong = true
		return 0
	}
	return time.Duration(n) * 10 * time.Millisecond
}

func (f *fields) yes() bool {
	w := f.word()
	f.wrong = f.wrong || w != "yes" && w != "no"
	return w == "yes"
}

// moment takes an uptime and a wall clock, or neither.
func (f *fields) moment() Moment {
	if len(f.all) > 1 && f.all[0] == "-" && f.all[1] == "-" {
		f.all = f.all[2:]
		return Moment{}
	}
	return Moment{Uptime: f.centis(), Wall: time.Unix(f.number(), 0).UTC()}
}

// code takes an exit code, if anything was run.
func (f *fields) code() (code int, ran bool) {
	if len(f.all) > 0 && f.all[0] == "-" {
		f.all = f.all[1:]
		return 0, false
	}
	n := f.number()
	f.wrong = f.wrong || n < 0 || n > 255
	return int(n), true
}

func (f *fields) lease(s *Status) {
	s.State, s.Run, s.Mine, s.By = State(f.word()), f.optional(), f.yes(), f.optional()
	s.Left, s.TTL, s.Every, s.Alive, s.beat = f.centis(), f.centis(), f.centis(), f.yes(), f.centis()
	switch s.State {
	case None, Armed, Over, Expired, Released:
	default:
		f.wrong = true
	}
}

func (f *fields) entry() EntryStatus {
	e := EntryStatus{ID: f.word(), Is: Is(f.word()), Found: f.optional(), Word: f.optional(), Held: f.yes()}
	most := f.number()
	e.Most, e.Did, e.Undid = int(most), f.moment(), f.moment()
	switch e.Is {
	case Begun, InForce, Gone, Refused, Undone, Failed, Other, Held, Left:
	default:
		f.wrong = true
	}
	f.wrong = f.wrong || !idForm.MatchString(e.ID) || most < 1 || most > longestAct
	return e
}
