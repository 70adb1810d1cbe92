package harness

// Scenario is the written plan of a drill: what must hold, what is broken, what is proved. Package scenarios reads it.
// Its tags are the format: yaml names a key, need says that it must be written, one lists the words it may hold, doc says
// what it means. The reader, the JSON Schema and the reference page are all made from them.
type Scenario struct {
	APIVersion  string             `yaml:"apiVersion" json:"api_version" need:"yes" one:"blackstart/v1" doc:"always blackstart/v1"`
	Kind        string             `yaml:"kind" json:"kind" need:"yes" one:"Scenario" doc:"always Scenario"`
	Metadata    Metadata           `yaml:"metadata" json:"metadata" need:"yes" doc:"name, purpose and limits of the drill"`
	Target      TargetSpec         `yaml:"target" json:"target" doc:"what the target must have, and how it is set up"`
	Load        []LoadSpec         `yaml:"load" json:"load" need:"yes" doc:"named load that runs from before the fault to the end"`
	Probes      []ProbeSpec        `yaml:"probes" json:"probes,omitempty" doc:"probes that are asked besides those that need no listing"`
	SteadyState SteadyState        `yaml:"steadyState" json:"steady_state" need:"yes" doc:"what must hold before a fault"`
	Faults      []FaultSpec        `yaml:"faults" json:"faults" need:"yes" doc:"what is broken and when; empty for a null drill"`
	Recovery    Recovery           `yaml:"recovery" json:"recovery" need:"yes" doc:"who brings the service back"`
	Recovered   Recovered          `yaml:"recovered" json:"recovered" doc:"what counts as service restored"`
	Objectives  []Objective        `yaml:"objectives" json:"objectives" need:"yes" doc:"bounds to prove, each with its source"`
	Observe     Duration           `yaml:"observe" json:"observe_ns" need:"yes" doc:"how long clients are watched after the first fault"`
	Settle      Duration           `yaml:"settle" json:"settle_ns" need:"yes" doc:"how long writes drain before the undo"`
	ObserveUndo Duration           `yaml:"observeUndo" json:"observe_undo_ns,omitempty" doc:"load goes on through the undo, and clients are watched this long after it; not written: load stops before it"`
	Restore     []RestoreStep      `yaml:"restore" json:"restore,omitempty" doc:"calls that bring redundancy back, made when everything is undone and both sides have been read"`
	Guards      []Guard            `yaml:"guards" json:"guards" doc:"what stops the drill at once: undo, exit 4"`
	Profiles    map[string]Overlay `yaml:"profiles" json:"profiles" doc:"numbers that differ by profile"`
}

// Metadata says what a scenario is for and what it does not show.
type Metadata struct {
	Name        string   `yaml:"name" json:"name" need:"yes" doc:"lower-case words joined by - and ."`
	Title       string   `yaml:"title" json:"title" need:"yes" doc:"one line for people"`
	Why         string   `yaml:"why" json:"why" need:"yes" doc:"why the drill exists"`
	Covers      []string `yaml:"covers" json:"covers" doc:"rows of the design documents"`
	DoesNotShow []string `yaml:"doesNotShow" json:"does_not_show" doc:"what a pass does not prove"`
}

// TargetSpec is what a scenario asks of its target.
type TargetSpec struct {
	Needs    []string          `yaml:"needs" json:"needs" doc:"capabilities without which nothing is started"`
	Settings map[string]string `yaml:"settings" json:"settings" doc:"ordinary configuration of a rehearsal target"`
}

// With holds the parameters of a kind as they were written: text, whole numbers (float64, as JSON has them), truths, lists and
// mappings of these. Each kind reads them strictly into a struct of its own, by strictyaml.Fill.
type With map[string]any

// LoadSpec is one named load.
type LoadSpec struct {
	ID       string   `yaml:"id" json:"id" need:"yes" doc:"name used by objectives"`
	Workload string   `yaml:"workload" json:"workload" need:"yes" doc:"name in the catalogue of workloads"`
	Place    string   `yaml:"place" json:"place" need:"yes" one:"outside|primary|standby" doc:"where the clients stand: outside; those of some workloads also inside the primary or standby region"`
	Rate     Rate     `yaml:"rate" json:"rate" need:"yes" doc:"due operations per unit of time, such as 200/s; 0/s offers nothing"`
	Timeout  Duration `yaml:"timeout" json:"timeout_ns" need:"yes" doc:"after this an operation has failed"`
	With     With     `yaml:"with" json:"with,omitempty" with:"workloads workload" doc:"what the workload is told: see its parameters"`

	// Beside is what the file holds that With names by BesideKey, once it has been read; the pack has it as run.
	Beside []byte `yaml:"-" json:"-"`
}

// BesideKey is the parameter of a load that names a file beside the scenario.
const BesideKey = "targets"

// BesideName is the file beside the scenario that the load's parameters name, "" for none.
func (l LoadSpec) BesideName() string {
	name, _ := l.With[BesideKey].(string)
	return name
}

// SteadyState is what must hold, for its whole window, before a fault.
type SteadyState struct {
	For     Duration      `yaml:"for" json:"for_ns" need:"yes" doc:"length of the baseline window"`
	Require []Requirement `yaml:"require" json:"require" need:"yes" doc:"conditions, all of which must hold"`
}

// Requirement is one condition: on a load (share of successes, p99) or on a probe (age, or value).
type Requirement struct {
	Load           string   `yaml:"load" json:"load" doc:"id of a load"`
	SuccessAtLeast Ratio    `yaml:"successAtLeast" json:"success_at_least" doc:"share of due operations that were OK"`
	P99AtMost      Duration `yaml:"p99AtMost" json:"p99_at_most_ns" doc:"99th percentile from due time"`
	Probe          string   `yaml:"probe" json:"probe" doc:"id of a probe that is listed, or the name of its kind"`
	AgeAtMost      Duration `yaml:"ageAtMost" json:"age_at_most_ns" doc:"greatest age the probe may report"`
	AtMost         string   `yaml:"atMost" json:"at_most,omitempty" doc:"greatest value of the probe: a duration, a share, or a whole number, by its unit"`
	AtLeast        string   `yaml:"atLeast" json:"at_least,omitempty" doc:"least value of the probe, written as atMost is"`
}

// FaultSpec is one fault of a scenario.
type FaultSpec struct {
	ID            string   `yaml:"id" json:"id,omitempty" doc:"name used by profiles"`
	At            Duration `yaml:"at" json:"at_ns" need:"yes" doc:"time after the end of the baseline"`
	Kind          string   `yaml:"kind" json:"kind" need:"yes" doc:"name in the fault catalogue"`
	On            string   `yaml:"on" json:"on" need:"yes" one:"primary|standby" doc:"role of the region: primary or standby"`
	With          With     `yaml:"with" json:"with,omitempty" with:"faults kind" doc:"what the fault is told: see its parameters"`
	For           Duration `yaml:"for" json:"for_ns" doc:"taken back this long after it was made, while clients are watched; not written: by the undo"`
	StartsClock   bool     `yaml:"startsClock" json:"starts_clock" doc:"objectives count from this fault, up to the next that has it; at least one has it"`
	ConfirmWithin Duration `yaml:"confirmWithin" json:"confirm_within_ns" doc:"seen by the victim within this, or inconclusive; 2s if not written"`
}

// Recovery says who brings the service back.
type Recovery struct {
	By    string         `yaml:"by" json:"by" need:"yes" one:"target|runbook" doc:"target (its own automation) or runbook"`
	Steps []RecoveryStep `yaml:"steps" json:"steps" doc:"runbook steps, in order"`
}

// RecoveryStep is one runbook step.
type RecoveryStep struct {
	At   Duration `yaml:"at" json:"at_ns" need:"yes" doc:"time after the first fault"`
	Name string   `yaml:"name" json:"name" need:"yes" doc:"what the step does, for people"`
	Call string   `yaml:"call" json:"call" doc:"named call of the target description; this or do"`

	Do     string   `yaml:"do" json:"do,omitempty" doc:"what a person does, in words; this or call"`
	By     string   `yaml:"by" json:"by,omitempty" doc:"who does it, with do: a name, or a role that people know"`
	Takes  Duration `yaml:"takes" json:"takes_ns,omitempty" doc:"how long it is planned to take, with do"`
	Within Duration `yaml:"within" json:"within_ns,omitempty" doc:"how long is waited for somebody to say that it is done, with do; 10m if not written"`
}

// Recovered is what counts as service restored: every window must hold.
type Recovered struct {
	Window         Duration `yaml:"window" json:"window_ns" doc:"length W of a window"`
	MinRequests    int      `yaml:"minRequests" json:"min_requests" doc:"due requests a window must hold"`
	SuccessAtLeast Ratio    `yaml:"successAtLeast" json:"success_at_least" doc:"share of due requests that were OK"`
	P99AtMost      Duration `yaml:"p99AtMost" json:"p99_at_most_ns" doc:"99th percentile from due time"`
}

// Objective is a bound to prove and where it comes from.
type Objective struct {
	ID      string `yaml:"id" json:"id" need:"yes" doc:"name used by profiles and findings"`
	Measure string `yaml:"measure" json:"measure" need:"yes" doc:"what is measured: see the table of measures"`
	Load    string `yaml:"load" json:"load" doc:"load whose users the objective speaks of"`
	Cohort  string `yaml:"cohort" json:"cohort" doc:"client cohort, for rto"`
	Channel string `yaml:"channel" json:"channel" doc:"alert channel, for alert.received"`
	From    string `yaml:"from" json:"from" one:"fault|declaration" doc:"fault (the default) or declaration"`
	After   string `yaml:"after" json:"after,omitempty" doc:"id of the fault whose clock it counts by; not written: the first that starts one"`
	Fault   string `yaml:"fault" json:"fault" doc:"kind of the fault it counts from (the first of that kind); else one that starts a clock"`
	AtMost  string `yaml:"atMost" json:"at_most" doc:"greatest allowed value: a duration, a count or an amount"`
	Is      string `yaml:"is" json:"is" one:"failed-over|refused|none" doc:"for decision, in place of atMost: what the target must have decided"`

	Carries    map[string]string `yaml:"carries" json:"carries" doc:"fields the alert must carry, such as severity; * is any value that is not empty"`
	StaleAfter Duration          `yaml:"staleAfter" json:"stale_after_ns" doc:"for answers.wrong: an answer older than this is stale"`

	Source string `yaml:"source" json:"source" need:"yes" doc:"document the bound comes from"`
}

// Guard stops the drill at once when a probe fails for too long, or its value is beyond a bound for too long.
type Guard struct {
	Probe      string   `yaml:"probe" json:"probe" need:"yes" doc:"id of a probe that is listed, or the name of its kind"`
	Region     string   `yaml:"region" json:"region" one:"primary|standby" doc:"role of the region it asks; with the id of a probe it may be left out"`
	FailingFor Duration `yaml:"failingFor" json:"failing_for_ns" doc:"longest allowed failing"`
	AtMost     string   `yaml:"atMost" json:"at_most,omitempty" doc:"greatest value: a duration, a share, or a whole number, by the unit of the probe"`
	AtLeast    string   `yaml:"atLeast" json:"at_least,omitempty" doc:"least value, written as atMost is"`
	ForLonger  Duration `yaml:"forLonger" json:"for_longer_ns,omitempty" doc:"how long a value may be beyond its bounds; no answer is beyond them"`
}

// Overlay holds the numbers a profile changes.
type Overlay struct {
	Observe     Duration                    `yaml:"observe" json:"observe_ns" doc:"replaces observe"`
	Settle      Duration                    `yaml:"settle" json:"settle_ns" doc:"replaces settle"`
	ObserveUndo Duration                    `yaml:"observeUndo" json:"observe_undo_ns,omitempty" doc:"replaces observeUndo"`
	SteadyState *SteadyOverlay              `yaml:"steadyState" json:"steady_state,omitempty" doc:"replaces numbers of the steady state"`
	Recovered   *Recovered                  `yaml:"recovered" json:"recovered,omitempty" doc:"replaces numbers of recovered"`
	Load        map[string]LoadOverlay      `yaml:"load" json:"load,omitempty" doc:"by load id"`
	Faults      map[string]FaultOverlay     `yaml:"faults" json:"faults,omitempty" doc:"by fault id"`
	Objectives  map[string]ObjectiveOverlay `yaml:"objectives" json:"objectives" doc:"by objective id"`
}

// SteadyOverlay replaces the length of the baseline.
type SteadyOverlay struct {
	For Duration `yaml:"for" json:"for_ns" doc:"replaces steadyState.for"`
}

// LoadOverlay replaces the rate of one load.
type LoadOverlay struct {
	Rate Rate `yaml:"rate" json:"rate" doc:"replaces rate"`
}

// FaultOverlay replaces the times of one fault.
type FaultOverlay struct {
	At  Duration `yaml:"at" json:"at_ns" doc:"replaces at"`
	For Duration `yaml:"for" json:"for_ns" doc:"replaces for"`
}

// ObjectiveOverlay replaces the bound of one objective.
type ObjectiveOverlay struct {
	AtMost string `yaml:"atMost" json:"at_most" doc:"replaces atMost"`
	Source string `yaml:"source" json:"source" doc:"where the replaced bound comes from"`
}

// Workloads names the workload of each load.
func (s *Scenario) Workloads() []string {
	var all []string
	for _, l := range s.Load {
		all = append(all, l.Workload)
	}
	return all
}
