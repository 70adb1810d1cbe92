package scenarios

import (
	"reflect"
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// Problem is one thing that is wrong with a scenario, and what to write instead.
type Problem = strictyaml.Problem

// Problems is everything that is wrong with a scenario, in order of file and line.
type Problems = strictyaml.Problems

// maxSpan bounds a duration that no rule looks at: the record holds no number above 2^53.
const maxSpan = 30 * 24 * time.Hour

// forms are the values that are one word in YAML but more than a Go kind.
var forms = map[reflect.Type]strictyaml.Form{
	reflect.TypeFor[harness.Duration](): {
		Name: "duration", Example: "`250ms`, `10s`, `1h30m`",
		Pattern: `^(0|[1-9][0-9]*)(\.[0-9]+)?(ns|us|µs|ms|s|m|h)([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$`,
		Check: func(v any) (message, hint string) {
			if d, ok := v.(*harness.Duration); ok && d.D() > maxSpan {
				return "longer than any drill", "write less"
			}
			return "", ""
		},
	},
	reflect.TypeFor[harness.Rate]():   {Name: "rate", Example: "`200/s`", Pattern: `^(0|[1-9][0-9]{0,6})/(ms|s|m|h)$`},
	reflect.TypeFor[harness.Ratio]():  {Name: "share", Example: "`99.9%`", Pattern: `^(0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?%$`},
	reflect.TypeFor[harness.Amount](): {Name: "amount", Example: "`\"100.00\"`", Pattern: `^(0|[1-9][0-9]{0,12})(\.[0-9]{1,8})?$`, Number: true},
}

// movedFault says where the keys of a fault went that earlier versions had.
var movedFault = map[string]string{
	"region":    "write on: primary or on: standby",
	"component": "leave it out: a fault breaks the region that on: names",
}

// format is how a scenario is written, with the kinds of fault and workload that are known.
func (k Known) format() *strictyaml.Format {
	f := &strictyaml.Format{
		Noun: "scenario", Empty: "write a scenario: `blackstart list` names some to copy from", Begin: "begin with `apiVersion: blackstart/v1`",
		Other: otherFile,
		Top:   reflect.TypeFor[harness.Scenario](), Forms: forms,
		Singular: map[string]string{
			"load": "load", "faults": "fault", "objectives": "objective", "guards": "guard", "profiles": "profile",
			"require": "requirement", "probes": "probe", "steps": "step", "needs": "need", "cohorts": "cohort", "covers": "row",
		},
		Letters: map[string]int{"title of metadata": maxTitle},
		Prose:   []string{"title", "why", "source"},
		Gone:    map[reflect.Type]map[string]string{reflect.TypeFor[harness.Scenario](): gone, reflect.TypeFor[harness.FaultSpec](): movedFault},
		Kinds:   map[string]map[string]any{"faults": k.Faults, "workloads": k.Workloads, "probes": k.ProbeKinds},
	}
	return f
}

// otherFile knows a target file, of which a scenario would lack everything.
func otherFile(top *strictyaml.Node) (is, hint string) {
	if k := top.Get("kind"); k != nil && k.Text == "Target" {
		return "a target file", "blackstart target check reads it; name a scenario here"
	}
	return "", ""
}

// gone are keys of the whole file that earlier versions had, with what is true without them.
var gone = map[string]string{
	"undo":       "leave it out: every drill settles, fences the old primary where one could be left, and takes everything back; observeUndo: 30s lets load go on meanwhile",
	"failback":   "leave it out: roles always stay as the failover left them",
	"frameworks": "leave it out: every pack has the reports of all frameworks",
	"seed":       "leave it out: nothing in a drill is drawn by lot",
}

// Schema is the JSON Schema (2020-12) of a scenario file, for editors. A file that the schema refuses is refused by Load, too;
// Load knows more rules.
func (k Known) Schema() []byte {
	return k.format().Schema("Blackstart scenario", "The written plan of a drill. See scenario-reference.md.")
}

// CheckText says what is wrong with a text that is not from a scenario and goes where its texts go; see strictyaml.CheckText.
func CheckText(text string, most int) error { return strictyaml.CheckText(text, most) }

// MaxSize bounds a scenario file, in bytes.
const MaxSize = strictyaml.MaxSize
