package evidence_test

import (
	"slices"
	"strings"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/loadgen"
)

// recordChanges change one field of the record each, as somebody would to whom the drill does not look good enough.
var recordChanges = map[string]func(r *harness.Record){
	"status":             func(r *harness.Record) { r.Status = "unsteady" },
	"status-reason":      func(r *harness.Record) { r.StatusReason = "as agreed" },
	"run-id":             func(r *harness.Record) { r.RunID = strings.Replace(r.RunID, "-7", "-7", 1)[:35] + flip(r.RunID[35:]) },
	"pack-id":            func(r *harness.Record) { r.PackID = r.PackID[:35] + flip(r.PackID[35:]) },
	"format":             func(r *harness.Record) { r.Format = "blackstart.pack/3" },
	"register":           func(r *harness.Record) { r.Register = "r" },
	"amends":             func(r *harness.Record) { r.Amends = r.PackID },
	"seal-policy":        func(r *harness.Record) { r.SealPolicy = []string{"approver"} },
	"approvals":          func(r *harness.Record) { r.Approvals = []string{"chief"} },
	"inputs":             func(r *harness.Record) { r.Inputs = flip(r.Inputs[:1]) + r.Inputs[1:] },
	"objective-loosened": func(r *harness.Record) { r.Scenario.Objectives[0].AtMost = "1h" },
	"objective-dropped":  func(r *harness.Record) { r.Scenario.Objectives = r.Scenario.Objectives[1:] },
	"load-dropped":       func(r *harness.Record) { r.Scenario.Load = r.Scenario.Load[1:] },
	"recovered":          func(r *harness.Record) { r.Scenario.Recovered.MinRequests = 1 },
	"profile":            func(r *harness.Record) { r.Profile = "" },
	"observed-only":      func(r *harness.Record) { r.ObserveOnly = &harness.ObserveOnly{LeftOut: harness.NotDone(r.Scenario)} },
	"environment":        func(r *harness.Record) { r.Environment = "production" },
	"executor":           func(r *harness.Record) { r.Executor = "somebody" },
	"tool-version":       func(r *harness.Record) { r.Tool.Version += "x" },
	"tool-sha256":        func(r *harness.Record) { r.Tool.SHA256 = flip(r.Tool.SHA256[:1]) + r.Tool.SHA256[1:] },
	"tool-go":            func(r *harness.Record) { r.Tool.Go += "x" },
	"tool-cpus":          func(r *harness.Record) { r.Tool.CPUs++ },
	"target-name":        func(r *harness.Record) { r.Target.Name += "x" },
	"target-simulated":   func(r *harness.Record) { r.Target.Simulated = nil },
	"target-probe":       func(r *harness.Record) { r.Target.Probes = []harness.ProbeSpec{{ID: "x", Probe: "tcp.connect"}} },
	"target-pace":        func(r *harness.Record) { r.Target.ProbePaces = map[string]int64{"tcp.connect": 1} },
	"target-longest":     func(r *harness.Record) { r.Target.LongestNS = 1 },
	"gap-added": func(r *harness.Record) {
		r.Gaps = []harness.Gap{{Kind: harness.GapSuspended, At: r.Observation, LastsNS: 1}}
	},
	"probe-id":           func(r *harness.Record) { r.Probes[0].ID = "x" },
	"target-question":    func(r *harness.Record) { r.Target.Questions[0].Right = "known-dividend-archive" },
	"target-build":       func(r *harness.Record) { r.Target.Builds[0].SHA256 = r.Target.Builds[1].SHA256 },
	"target-decisions":   func(r *harness.Record) { r.Target.Decisions.Refused = r.Target.Decisions.Done },
	"target-settings":    func(r *harness.Record) { r.Target.Settings["commit"] = "asynchronous" },
	"target-timings":     func(r *harness.Record) { r.Target.Timings.AlertFloorNS++ },
	"target-environment": func(r *harness.Record) { r.Target.Environment = "staging" },
	"target-version":     func(r *harness.Record) { r.Target.Components[0].Version = "17.1" },
	"anchor":             func(r *harness.Record) { r.Anchor++ },
	"started":            func(r *harness.Record) { r.Started++ },
	"ended":              func(r *harness.Record) { r.Ended++ },
	"baseline":           func(r *harness.Record) { r.Baseline.Hi-- },
	"observation-end":    func(r *harness.Record) { r.Observation.Hi -= 1e9 },
	"observation-begin":  func(r *harness.Record) { r.Observation.Lo++ },
	"clock-wall":         func(r *harness.Record) { r.Clock[1].WallMinusNS += 1e6 },
	"clock-synchronised": func(r *harness.Record) { r.Clock[1].Synchronised = true; r.Clock[1].State = "ok" },
	"clock-reading-gone": func(r *harness.Record) { r.Clock = append(r.Clock[:1:1], r.Clock[2:]...) },
	"act-begin":          func(r *harness.Record) { r.Acts[3].At.Lo += 1e6 },
	"act-end":            func(r *harness.Record) { r.Acts[3].At.Hi += 1e6 },
	"act-gone":           func(r *harness.Record) { r.Acts = r.Acts[:len(r.Acts)-1] },
	"act-twice":          func(r *harness.Record) { r.Acts = append(r.Acts, r.Acts[len(r.Acts)-1]) },
	"act-kind":           func(r *harness.Record) { r.Acts[4].Kind = "step" },
	"act-name":           func(r *harness.Record) { r.Acts[4].Name = "region.kill" },
	"act-fault":          func(r *harness.Record) { r.Acts[4].Fault = "another" },
	"act-by":             func(r *harness.Record) { r.Acts[4].By = harness.ByPerson },
	"fault-later":        func(r *harness.Record) { r.Faults[0].InForce.Lo += 2e9; r.Faults[0].InForce.Hi += 2e9 },
	"fault-done":         func(r *harness.Record) { r.Faults[0].Do.Hi++ },
	"fault-unconfirmed":  func(r *harness.Record) { r.Faults[0].Confirmed = false },
	"fault-undone":       func(r *harness.Record) { r.Faults[0].Undone.Hi++ },
	"fault-restored":     func(r *harness.Record) { r.Faults[0].Restored = false },
	"fault-detail":       func(r *harness.Record) { r.Faults[0].Detail = "as agreed" },
	"fault-plan":         func(r *harness.Record) { r.Faults[0].Plan.Steps[0].Do.Links = r.Faults[0].Plan.Steps[0].Do.Links[1:] },
	"fault-released":     func(r *harness.Record) { r.Released = append(r.Released, "clients is free again") },
	"restore-invented": func(r *harness.Record) {
		r.Restores = append(r.Restores, harness.RestoreRecord{Name: "rebuild", Call: "rebuild"})
	},
	"undo-left": func(r *harness.Record) { r.Undo.Left = append(r.Undo.Left, "east.db was left as it is") },
	"undo-two-led": func(r *harness.Record) {
		r.Undo.TwoLed = append(r.Undo.TwoLed, "east.db took writes while west.db led")
	},
	"fault-dropped":       func(r *harness.Record) { r.Faults = nil },
	"stream-start":        func(r *harness.Record) { r.Streams[0].StartNS++ },
	"stream-stop":         func(r *harness.Record) { r.Streams[0].StopNS -= 1e9 },
	"stream-timeout":      func(r *harness.Record) { r.Streams[0].TimeoutNS *= 2 },
	"stream-cohorts":      func(r *harness.Record) { c := r.Streams[0].Cohorts; c[0], c[1] = c[1], c[0] },
	"stream-place":        func(r *harness.Record) { r.Streams[0].Place = 2 },
	"stream-place-beyond": func(r *harness.Record) { r.Streams[0].Place = 200 },
	"stream-host":         func(r *harness.Record) { r.Streams[0].Host = 1 },
	"stream-other-host": func(r *harness.Record) {
		r.Hosts = append(r.Hosts, harness.Host{Name: "load-2", Offset: harness.Offset{Lo: -1e9, Hi: 1e9}})
		r.Streams[0].Host = 1
	},
	"stream-currency":    func(r *harness.Record) { r.Streams[ledgerStream(r)].Recorded.Currency = "EUR" },
	"stream-exponent":    func(r *harness.Record) { r.Streams[ledgerStream(r)].Recorded.Exponent = 0 },
	"stream-decimals":    func(r *harness.Record) { everyLedger(r, func(t *harness.Traits) { t.Exponent = 3 }) },
	"stream-no-currency": func(r *harness.Record) { everyLedger(r, func(t *harness.Traits) { t.Currency = "usd" }) },
	"stream-table":       func(r *harness.Record) { r.Streams[ledgerStream(r)].Recorded.Table = "public.ledger" },
	"stream-no-table":    func(r *harness.Record) { everyLedger(r, func(t *harness.Traits) { t.Table = "" }) },
	"place-role":         func(r *harness.Record) { r.Places[1].Role, r.Places[2].Role = r.Places[2].Role, r.Places[1].Role },
	"place-region": func(r *harness.Record) {
		r.Places[1].Region, r.Places[2].Region = r.Places[2].Region, r.Places[1].Region
	},
	"place-order": func(r *harness.Record) { r.Places[0], r.Places[1] = r.Places[1], r.Places[0] },
	"place-twice": func(r *harness.Record) { r.Places = append(r.Places, r.Places[1]) },
	"place-outside-gone": func(r *harness.Record) {
		r.Places[0] = harness.Place{Name: "zone", Region: r.Places[1].Region, Role: r.Places[1].Role}
	},
	"place-gone":    func(r *harness.Record) { r.Places = r.Places[:2] },
	"place-no-name": func(r *harness.Record) { r.Places[2].Name = "" },
	"place-of-no-region": func(r *harness.Record) {
		r.Places = append(r.Places, harness.Place{Name: "north", Region: "north", Role: harness.Witness})
	},
	"places-none": func(r *harness.Record) { r.Places = nil },
	"host-behind": func(r *harness.Record) {
		r.Hosts[0] = harness.Host{Name: "load-2", Offset: harness.Offset{Lo: 1, Hi: -1}}
	},
	"host-local-ahead":  func(r *harness.Record) { r.Hosts[0].Offset.Hi = 1e6 },
	"host-far-ahead":    func(r *harness.Record) { r.Hosts[0] = harness.Host{Name: "load-2", Offset: harness.Offset{Hi: 4e12}} },
	"host-twice":        func(r *harness.Record) { r.Hosts = append(r.Hosts, r.Hosts[0]) },
	"host-of-no-stream": func(r *harness.Record) { r.Hosts = append(r.Hosts, harness.Host{Name: "load-2"}) },
	"host-no-name":      func(r *harness.Record) { r.Hosts[0].Name = "" },
	"hosts-none":        func(r *harness.Record) { r.Hosts = nil },
	"host-renamed":      func(r *harness.Record) { r.Hosts[0].Name = "load-2" },
	"outcome-called-ok": func(r *harness.Record) { r.Outcomes[1].Class = loadgen.ClassOK },
	"outcome-renamed":   func(r *harness.Record) { r.Outcomes[1].Name = "slow" },
	"outcome-gone":      func(r *harness.Record) { r.Outcomes = append(r.Outcomes[:1:1], r.Outcomes[2:]...) },
	"outcome-twice":     func(r *harness.Record) { r.Outcomes = append(r.Outcomes, r.Outcomes[1]) },
	"outcome-own-ok": func(r *harness.Record) {
		r.Outcomes = append(r.Outcomes, loadgen.OutcomeCode{Code: 40, Name: "fine", Class: loadgen.ClassOK})
	},
	"outcome-no-code": func(r *harness.Record) {
		r.Outcomes = append(r.Outcomes, loadgen.OutcomeCode{Code: 31, Name: "fine", Class: loadgen.ClassFailed})
	},
	"outcome-added": func(r *harness.Record) {
		r.Outcomes = append(r.Outcomes, loadgen.OutcomeCode{Code: 40, Name: "fine", Class: loadgen.ClassFailed})
	},
	"outcomes-none":     func(r *harness.Record) { r.Outcomes = nil },
	"stream-not-closed": func(r *harness.Record) { r.Streams[0].Closed = false },
	"stream-gone":       func(r *harness.Record) { r.Streams = r.Streams[1:] },
	"stream-twice":      func(r *harness.Record) { r.Streams = append(r.Streams, r.Streams[0]) },
	"stream-root":       func(r *harness.Record) { r.Streams[0].Root = r.Streams[1].Root },
	"probe-ran":         func(r *harness.Record) { r.Probes[0].Ran.Hi-- },
	"probe-every":       func(r *harness.Record) { r.Probes[0].EveryNS *= 2 },
	"probe-count":       func(r *harness.Record) { r.Probes[0].Count-- },
	"probe-gone":        func(r *harness.Record) { r.Probes = r.Probes[1:] },
	"probe-file":        func(r *harness.Record) { r.Probes[2].File, r.Probes[3].File = r.Probes[3].File, r.Probes[2].File },
	"alert-earlier":     func(r *harness.Record) { r.Arrivals[2].At -= 1e9 },
	"alert-nonce":       func(r *harness.Record) { r.Arrivals[0].Nonce = false },
	"alert-accepted":    func(r *harness.Record) { r.Arrivals[0].Accepted = false },
	"alert-severity":    func(r *harness.Record) { paged(r).Severity = "info" },
	"alert-summary":     func(r *harness.Record) { r.Arrivals[0].Summary = "all is well" },
	"alert-status":      func(r *harness.Record) { r.Arrivals[0].Status = 201 },
	"alert-class":       func(r *harness.Record) { paged(r).Class = "certificate.expiring" },
	"alert-dropped":     func(r *harness.Record) { r.Arrivals = r.Arrivals[1:] },
	"alert-added":       func(r *harness.Record) { r.Arrivals = append(r.Arrivals, r.Arrivals[0]) },
	"decision-earlier":  func(r *harness.Record) { r.Decisions[4].At -= 1e9 },
	"decision-dropped":  func(r *harness.Record) { r.Decisions = append(r.Decisions[:4:4], r.Decisions[5:]...) },
	"decision-detail":   func(r *harness.Record) { r.Decisions[4].Detail["failures"] = "9" },
	"decision-error":    func(r *harness.Record) { r.DecisionsErr = "could not be read" },
	"undo-incomplete":   func(r *harness.Record) { r.Undo.Complete = false },
	"undo-fenced-by":    func(r *harness.Record) { r.Undo.FencedBy = "target" },
	"undo-watched":      func(r *harness.Record) { r.Undo.Watched = r.Undo.At },
	"undo-at":           func(r *harness.Record) { r.Undo.At.Hi++ },
	"undo-gone":         func(r *harness.Record) { r.Undo.Gone = []string{"east.db is gone: nobody looked"} },
	"undo-detail":       func(r *harness.Record) { r.Undo.Detail = "as agreed" },
	"ledger-read":       func(r *harness.Record) { r.Ledger.Read = false },
	"ledger-primary":    func(r *harness.Record) { r.Ledger.Primary, r.Ledger.OldPrimary = r.Ledger.OldPrimary, r.Ledger.Primary },
	"ledger-oracle":     func(r *harness.Record) { r.Ledger.OldOnly-- },
	"ledger-twice":      func(r *harness.Record) { r.Ledger.BusinessTwice++ },
	"ledger-frozen":     func(r *harness.Record) { r.Ledger.ReplayFrozen++ },
	"ledger-wal":        func(r *harness.Record) { r.Ledger.WAL.LastAt-- },
	"ledger-promoted":   func(r *harness.Record) { r.Ledger.Promoted = false },
	"ledger-stranded":   func(r *harness.Record) { r.Ledger.OldOnlyIDs = nil },
	"ledger-listed":     func(r *harness.Record) { r.Ledger.OldOnlyIDs = append(r.Ledger.OldOnlyIDs, 1) },
	"ledger-table":      func(r *harness.Record) { r.Ledger.WAL.Table = "public.ledger" },
	"ledger-reading":    func(r *harness.Record) { r.Ledger.Copies[0].Reading = harness.BeforeHeal },
	"ledger-no-reading": func(r *harness.Record) {
		r.Ledger.Copies = append(r.Ledger.Copies, r.Ledger.Copies[0])
		last(r).Reading = "after-undo"
	},
	"ledger-reading-twice": func(r *harness.Record) {
		r.Ledger.Copies = append(r.Ledger.Copies, r.Ledger.Copies[0])
		last(r).File += "x"
	},
	"ledger-copies-load": func(r *harness.Record) { r.Ledger.Copies[0].Load = "edge" },
	"ledger-copies-node": func(r *harness.Record) { r.Ledger.Copies[0].Node = "north.db" },
	"ledger-copies":      func(r *harness.Record) { r.Ledger.Copies[0].Count-- },
	"component-running":  func(r *harness.Record) { r.Components[0].Running = !r.Components[0].Running },
	"redactions":         func(r *harness.Record) { r.Redactions = []string{"everything"} },
}

// ledgerStream is the index of the first ledger among the streams.
func ledgerStream(r *harness.Record) int {
	return slices.IndexFunc(r.Streams, func(s harness.Stream) bool { return s.Kind == "ledger" })
}

// everyLedger changes what is said of each load that keeps one.
func everyLedger(r *harness.Record, change func(*harness.Traits)) {
	for _, s := range r.Streams {
		if s.Recorded != nil && s.Recorded.Ledger {
			change(s.Recorded)
		}
	}
}

func last(r *harness.Record) *harness.CopiesFile { return &r.Ledger.Copies[len(r.Ledger.Copies)-1] }

// paged is a message of the pager: the events tell its severity and class. Which of the channels comes first is chance.
func paged(r *harness.Record) *harness.Arrival {
	return &r.Arrivals[slices.IndexFunc(r.Arrivals, func(a harness.Arrival) bool { return a.Class != "" })]
}

func flip(digit string) string {
	if digit == "0" {
		return "1"
	}
	return "0"
}

// wordOnly are fields that the process alone knows: nothing else in a pack tells them, and a whole new log may hold any value.
// formats.md says so of each, and that they can be changed with a new run key is no finding.
var wordOnly = map[string]bool{
	"observation-begin":  true,
	"probe-ran":          true,
	"ended":              true,
	"target-build":       true,
	"ledger-wal":         true,
	"undo-detail":        true,
	"status-reason":      true,
	"tool-go":            true,
	"tool-cpus":          true,
	"target-version":     true,
	"target-timings":     true,
	"started":            true,
	"clock-wall":         true,
	"clock-synchronised": true,
	"clock-reading-gone": true,
	"fault-done":         true,
	"fault-restored":     true,
	"fault-detail":       true,
	"stream-cohorts":     true,
	"probe-every":        true,
	"alert-nonce":        true,
	"alert-accepted":     true,
	"alert-status":       true,
	"decision-error":     true,
	"undo-at":            true,
	"ledger-twice":       true,
	"ledger-frozen":      true,
	"component-running":  true,
	"redactions":         true,
	"host-renamed":       true,
	"outcome-added":      true,
}

func recordAttacks() (list []attack) {
	for name, change := range recordChanges {
		do := func(b *bag) {
			r := b.record()
			change(r)
			b.setRecord(r)
		}
		if strings.HasPrefix(name, "ledger-") || strings.HasPrefix(name, "fault-") {
			list = append(list,
				attack{name: "record-" + name, do: do, names: []string{recordFile}},
				attack{name: "record-" + name + "-told", do: do, told: true, names: []string{seal.CheckpointDir, recordFile}},
			)
		}
		if !wordOnly[name] {
			list = append(list, attack{name: "record-" + name + "-signed", do: do, signed: true, names: []string{"data/"}})
		}
	}
	return list
}
