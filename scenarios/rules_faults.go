package scenarios

import (
	"fmt"

	"blackstart/harness"
)

func (r *rules) faults() {
	var ids []string
	for _, f := range r.s.Faults {
		if f.ID != "" {
			ids = append(ids, f.ID)
		}
	}
	if len(ids) > 0 && len(ids) == len(r.s.Faults) {
		r.ids("fault", ids, "faults")
	} else if len(ids) > 0 && !r.anyUnread("faults", "id") {
		r.wrong("some faults have an id and others have none", "give every fault an id, or none", "faults")
	}
	for i, f := range r.s.Faults {
		what := fmt.Sprintf("fault %d", i+1)
		r.name("fault", names(r.known.Faults), f.Kind, "faults", i, "kind")
		r.within("confirmWithin of "+what, f.ConfirmWithin, ofConfirm, "faults", i, "confirmWithin")
		if r.has("faults", i, "at") && r.has("observe") && f.At >= r.s.Observe {
			r.wrong(fmt.Sprintf("%s comes at %s, when observing has ended", what, brief(f.At.D())),
				"write less than observe, "+brief(r.s.Observe.D()), "faults", i, "at")
		}
		r.lasts(f, i, what)
	}
	r.clocks()
}

// clocks checks the faults that start one: where several do, each has a name to be counted by, and a time of its own.
func (r *rules) clocks() {
	var starters []int
	for i, f := range r.s.Faults {
		if f.StartsClock {
			starters = append(starters, i)
		}
	}
	if len(starters) == 0 && len(r.s.Faults) > 0 && !r.anyUnread("faults", "startsClock") {
		r.wrong("no fault starts the clock", "write startsClock: true on the fault that objectives count from", "faults", 0)
	}
	for n, i := range starters {
		f := r.s.Faults[i]
		if len(starters) > 1 && f.ID == "" && !r.anyUnread("faults", "id") {
			r.wrong(fmt.Sprintf("fault %d is one of %d that start a clock, and has no id", i+1, len(starters)),
				"write an id, such as id: first, so that an objective can say after: first", "faults", i, "startsClock")
		}
		for _, j := range starters[:n] {
			if f.At == r.s.Faults[j].At && r.has("faults", i, "at") && r.has("faults", j, "at") {
				r.wrong(fmt.Sprintf("fault %d starts a clock at %s, and so does fault %d", i+1, brief(f.At.D()), j+1),
					"let one of the two start none, or come later", "faults", i, "startsClock")
			}
		}
	}
}

// lasts checks how long a fault is in force.
func (r *rules) lasts(f harness.FaultSpec, i int, what string) {
	r.within("for of "+what, f.For, ofFault, "faults", i, "for")
	if r.has("faults", i, "for") && r.has("observe") && f.At+f.For >= r.s.Observe {
		r.wrong(fmt.Sprintf("%s ends at %s, when observing has ended", what, brief(f.At.D()+f.For.D())),
			"write a shorter for, or leave it out: the undo ends the fault", "faults", i, "for")
	}
}

// anyUnread tells whether a key of any entry of a list could not be read.
func (r *rules) anyUnread(key, field string) bool {
	n, _ := r.at(key)
	if n == nil {
		return true
	}
	for i := range n.Items {
		if r.bad[n.Items[i]] || r.unread([]any{key, i, field}) {
			return true
		}
	}
	return false
}

func (r *rules) recovery() {
	steps := r.s.Recovery.Steps
	switch {
	case !r.has("recovery", "by"):
	case r.s.Recovery.By == "runbook" && len(steps) == 0:
		r.wrong("recovery by runbook has no steps", "write steps: [{at: …, name: …, call: …}], or do: and by: in place of call:", "recovery", "by")
	case r.s.Recovery.By == "target" && len(steps) > 0:
		r.wrong("recovery by target has steps", "write by: runbook, or leave the steps out", "recovery", "steps")
	}
	for i, s := range steps {
		r.whoSteps(i, s)
		if r.has("recovery", "steps", i, "at") && r.has("observe") && s.At >= r.s.Observe {
			r.wrong(fmt.Sprintf("step %d comes at %s, when observing has ended", i+1, brief(s.At.D())),
				"write less than observe, "+brief(r.s.Observe.D()), "recovery", "steps", i, "at")
		}
		if i > 0 && s.At < steps[i-1].At && r.has("recovery", "steps", i, "at") {
			r.wrong(fmt.Sprintf("step %d comes before step %d", i+1, i), "write the steps in order", "recovery", "steps", i, "at")
		}
	}
}

// whoSteps checks that a step is either called or done by a person, who is named.
func (r *rules) whoSteps(i int, s harness.RecoveryStep) {
	do, call := r.has("recovery", "steps", i, "do"), r.has("recovery", "steps", i, "call")
	switch {
	case do == call:
		r.wrong(fmt.Sprintf("step %d must say either what is called or what a person does", i+1),
			"write call:, or do: with by:", "recovery", "steps", i)
	case do && !r.has("recovery", "steps", i, "by"):
		r.wrong(fmt.Sprintf("step %d does not say who does it", i+1), "write by: with a name or a role", "recovery", "steps", i, "do")
	case !do && (r.has("recovery", "steps", i, "by") || r.has("recovery", "steps", i, "takes") || r.has("recovery", "steps", i, "within")):
		r.wrong(fmt.Sprintf("step %d is called, and nobody is asked", i+1), "leave by:, takes: and within: out", "recovery", "steps", i, "call")
	}
}

// recovered checks the limits of a restored service, without which no RTO can be judged.
func (r *rules) recovered() {
	v := r.s.Recovered
	r.within("recovered.window", v.Window, ofWindow, "recovered", "window")
	r.within("recovered.p99AtMost", v.P99AtMost, ofLatency, "recovered", "p99AtMost")
	if r.has("recovered", "minRequests") && v.MinRequests == 0 {
		r.wrong("recovered.minRequests is 0", "write how many requests a window must hold, such as 500", "recovered", "minRequests")
	}
	if r.has("recovered", "successAtLeast") && v.SuccessAtLeast == 0 {
		r.wrong("recovered.successAtLeast is 0%", "write the share that counts as restored, such as 99%", "recovered", "successAtLeast")
	}
	for i, o := range r.s.Objectives {
		if o.Measure != "rto" {
			continue
		}
		what := entryName("objective", o.ID, i)
		if _, near := r.at("recovered"); !r.has("recovered") && near == r.root {
			r.wrong(what+" needs to know what counts as restored", "write recovered: {window: 5s, minRequests: 500, successAtLeast: 99%, p99AtMost: 500ms}", "objectives", i)
			return
		}
		for _, key := range []string{"window", "minRequests", "successAtLeast", "p99AtMost"} {
			if n, _ := r.at("recovered"); n != nil && n.Get(key) == nil {
				r.wrong(fmt.Sprintf("recovered has no %s, which %s needs", key, what), "write "+key+": …", "recovered")
			}
		}
		r.windowFits(o.Load, what)
	}
}

// windowFits checks that a window of recovered can hold the requests it must hold.
func (r *rules) windowFits(load, what string) {
	v := r.s.Recovered
	for _, l := range r.s.Load {
		due := l.Rate.PerSecond() * v.Window.D().Seconds()
		if l.ID == load && l.Rate.Count > 0 && v.Window > 0 && due < float64(v.MinRequests) {
			r.wrong(fmt.Sprintf("a window of recovered holds %.0f requests of load %s, fewer than minRequests %d, so that %s could never be judged",
				due, load, v.MinRequests, what), "write a longer window, a higher rate or a lower minRequests", "recovered", "minRequests")
		}
	}
}

// spans checks the lengths of the phases.
func (r *rules) spans() {
	r.within("observe", r.s.Observe, ofObserve, "observe")
	r.within("settle", r.s.Settle, ofSettle, "settle")
	r.within("observeUndo", r.s.ObserveUndo, ofUndo, "observeUndo")
	window := r.s.Recovered.Window
	if r.s.ObserveUndo.D() >= ofUndo.least && r.s.ObserveUndo < window && r.has("observeUndo") {
		r.wrong(fmt.Sprintf("observeUndo is %s, in which no window of %s fits", brief(r.s.ObserveUndo.D()), brief(window.D())),
			"write more than "+brief(window.D())+", the time to recover added", "observeUndo")
	}
	r.longEnough()
}
