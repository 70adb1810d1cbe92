package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
	"blackstart/scenarios"
)

// staged is a drill as it would have left its record and raw files, made from a few times: what reports are looked at with.
// All times are in seconds since the anchor.
type staged struct {
	t         *testing.T
	dir       string
	rec       *harness.Record
	run       uuid.UUID
	down, up  float64               // clients get no answer in [down, up)
	after     loadgen.Outcome       // what they get from then on
	cut, heal float64               // the standby gets nothing from the primary in [cut, heal)
	moved     float64               // when the standby was promoted and the name moved, 0: never
	build     func(float64) string  // of the region that answers
	wrong     func(at float64) bool // the older answer is given
}

const stagedEnd = 47.0 // of the observation

func sec(s float64) int64 { return int64(s * 1e9) }

func (s *staged) at(x float64) harness.Stamp { return s.rec.Anchor + harness.Stamp(sec(x)) }

func (s *staged) span(lo, hi float64) harness.Interval {
	return harness.Interval{Lo: s.at(lo), Hi: s.at(hi)}
}

// stage makes the record of a scenario of the library; faults are put in force where it says, 12 s after the anchor at first.
func stage(t *testing.T, scenario string) *staged {
	t.Helper()
	sc, _, err := scenarios.Load("../scenarios/finrag/"+scenario+".yaml", "fast")
	if err != nil {
		t.Fatal(err)
	}
	s := &staged{t: t, dir: t.TempDir(), run: uuid.MustParse("0197b2c4-8f00-7a11-9c44-0d1e2f334455"), after: loadgen.OK,
		build: func(float64) string { return "2.1.0" }, wrong: func(float64) bool { return false }}
	s.rec = &harness.Record{Format: harness.Format, Rules: harness.Rules, RunID: s.run.String(), PackID: "0197b2c4-8f00-7c3e-a2d1-5b6f70112233", Status: harness.Completed,
		Scenario: *sc, Profile: "fast", Environment: harness.Rehearsal, Executor: "a tester", Tool: harness.Tool{Version: "0.3.0", Go: "go1.26.8", OS: "linux/amd64"},
		Anchor: 1_772_461_800_000_000_000, Undo: harness.UndoRecord{Complete: true, Fenced: true, FenceChecked: true, FencedBy: "harness"},
		Ledger: harness.LedgerRecord{Read: true, Primary: "west.db", OldPrimary: "east.db", OldRead: true}}
	s.rec.Clock = []harness.ClockReading{{At: s.at(0), Synchronised: true}, {At: s.at(70), Synchronised: true}}
	s.rec.Started, s.rec.Ended = s.at(0), s.at(70)
	s.rec.Baseline, s.rec.Observation = s.span(2, 12), s.span(12, stagedEnd)
	for i, name := range []string{"setup", "plan", "soak", "baseline", "inject", "watch", "settle", "undo", "reconcile"} {
		s.rec.Acts = append(s.rec.Acts, harness.Act{Kind: name, By: harness.ByHarness, At: s.span(float64(i), float64(i+1))})
	}
	s.target()
	s.rec.Places, s.rec.Hosts, s.rec.Outcomes = harness.PlacesOf(s.rec.Target), []harness.Host{{Name: harness.LocalHost}}, loadgen.OutcomesOf(sc.Workloads()...)
	for _, f := range sc.Faults {
		at := 12 + f.At.D().Seconds()
		plan := s.plan(f)
		fault := harness.FaultRecord{Plan: harness.Plan{Fault: f, Label: plan.Label, What: plan.What, Isolates: plan.Isolates, InForce: make([]harness.Check, 2),
			Follows: plan.Follows, Fences: []string{"east.db"}},
			Do: s.span(at, at+0.1), InForce: s.span(at, at+0.2), Confirmed: true, Undone: s.span(55, 55.1), Restored: true}
		if f.For > 0 {
			fault.Undone = s.span(at+f.For.D().Seconds(), at+f.For.D().Seconds()+0.1)
		}
		s.rec.Faults = append(s.rec.Faults, fault)
	}
	return s
}

func (s *staged) target() {
	s.rec.Target = harness.Description{Name: "finrag", Kind: "processes", Environment: harness.Rehearsal,
		Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Components: []harness.Component{{Name: "east.db", Kind: "postgres", Region: "east", Role: harness.Primary}, {Name: "west.db", Kind: "postgres", Region: "west", Role: harness.Standby},
			{Name: "east.api", Kind: "api", Region: "east", Version: "2.1.0"}, {Name: "west.api", Kind: "api", Region: "west", Version: "2.1.0"}},
		Channels: []harness.Channel{{Name: "pagerduty", Muted: s.rec.Scenario.Target.Settings["pager.muted"] == "true"}, {Name: "slack"}},
		Timings:  harness.Timings{Profile: "fast", CheckIntervalNS: 1e9, CheckFailures: 3, TTLNS: 2e9},
		Decisions: &harness.DecisionLog{Detected: "failure.detected", Declared: "failover.declared", Refused: "failover.refused", Promoted: "promote.done",
			Switched: "dns.switched", Done: "failover.done", Lagging: "replication.lagging", Renewed: "certificate.renewed", Deployed: "code.deployed",
			Alerts: map[string]string{"primary.unreachable": "failure.detected"}},
		Builds: []harness.Build{{Name: harness.BuildCurrent, Version: "2.1.0"}, {Name: harness.BuildPrevious, Version: "2.0.0"}},
		Questions: []harness.Question{
			{ID: "dividend-date", Namespace: "public", Text: "When is the dividend record date of Heather Shipping?", Right: "known-dividend-notice", Older: "known-dividend-archive"},
			{ID: "counter-hours", Namespace: "public", Text: "What are the opening hours of the securities counter?", Right: "known-counter-hours"}},
		Simulated: []string{"regions are groups of processes on one machine, linked by loopback addresses with relays between them", "public DNS is one authoritative server, asked without a caching resolver in between",
			"embeddings are feature hashes of words, not those of a language model", "alert channels end at receivers of the harness, which validate as the real ones do", "documents are generated; no production data"}}
}

// log adds a line of the target's own log.
func (s *staged) log(at float64, event string, detail ...string) {
	d := harness.Decision{At: s.at(at), Event: event, Detail: map[string]string{}}
	for i := 0; i+1 < len(detail); i += 2 {
		d.Detail[detail[i]] = detail[i+1]
	}
	s.rec.Decisions = append(s.rec.Decisions, d)
}

func (s *staged) page(at float64, class, severity, region, summary string) {
	s.rec.Arrivals = append(s.rec.Arrivals, harness.Arrival{Channel: "pagerduty", At: s.at(at), Nonce: true, Accepted: true, Status: 202, Event: "trigger",
		Summary: summary, Severity: severity, Source: "controller", DedupKey: class, Class: class, Component: region + ".db", Group: region})
}

// answer is what a client gets at a moment.
func (s *staged) answer(at float64) loadgen.Outcome {
	switch {
	case at >= s.down && at < s.up:
		return loadgen.Timeout
	case at >= s.up && s.up > 0 && s.after != loadgen.OK:
		return s.after
	case s.wrong(at):
		return loadgen.WrongAnswer
	}
	return loadgen.OK
}

// write makes the raw files and judges them, as the end of a drill does.
func (s *staged) write() harness.Findings {
	s.t.Helper()
	for i, l := range s.rec.Scenario.Load {
		s.load(i+1, l)
	}
	s.probes()
	f, err := measure.Judge(s.rec, measure.Files(os.DirFS(s.dir), s.rec))
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *staged) create(name string) *os.File {
	s.t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (s *staged) load(id int, l harness.LoadSpec) {
	freq := int(l.Rate.PerSecond())
	st := harness.Stream{ID: id, Load: l.ID, Kind: "samples", File: "data/samples/" + l.ID + ".bin", Workload: l.Workload, Place: s.place(l.Place), Recorded: new(traitsOf(l)), Cohorts: traitsOf(l).Cohorts,
		Freq: freq, PerNS: int64(time.Second), StopNS: sec(stagedEnd), TimeoutNS: int64(l.Timeout), Closed: true}
	head := loadgen.Header{Run: s.run, Stream: uint32(id), Place: loadgen.Place(st.Place), Anchor: int64(s.rec.Anchor)}
	f := s.create(st.File)
	w, err := loadgen.NewSampleWriter(f, head)
	var attempts []measure.Attempt
	for due := int64(0); due < st.StopNS; due = int64(st.Count) * int64(time.Second) / int64(freq) {
		one := loadgen.Sample{Seq: uint64(st.Count), Due: due, Sent: due + 1000, Done: due + 3_000_000, Outcome: s.answer(float64(due) / 1e9), Cohort: uint8(st.Count % max(1, len(st.Cohorts)))}
		if one.Outcome == loadgen.Timeout {
			one.Done = due + st.TimeoutNS + 2000
		}
		if l.Workload != "http.query" && (one.Outcome == loadgen.WrongAnswer || l.Workload == "postgres.ledger" && one.Outcome == loadgen.TLSExpired) {
			one.Outcome = loadgen.OK // it looks at no answer, or at no certificate
		}
		if l.Workload == "postgres.ledger" {
			a := s.attempt(id, one)
			a.Place = loadgen.Place(st.Place)
			attempts = append(attempts, a)
		}
		err = errors.Join(err, w.Write(one))
		st.Count++
	}
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		s.t.Fatal(err)
	}
	s.rec.Streams = append(s.rec.Streams, st)
	if l.Workload == "postgres.ledger" {
		st.Kind, st.File = "ledger", "data/ledger/"+l.ID+".bin"
		f := s.create(st.File)
		w, err := loadgen.NewAttemptWriter(f, head)
		for _, a := range attempts {
			err = errors.Join(err, w.Write(a.Attempt))
		}
		if err := errors.Join(err, w.Close(), f.Close()); err != nil {
			s.t.Fatal(err)
		}
		s.rec.Streams = append(s.rec.Streams, st)
		s.copies(head, st, s.rec.Ledger.Primary, attempts, func(a measure.Attempt) int { return a.New })
		s.copies(head, st, s.rec.Ledger.OldPrimary, attempts, func(a measure.Attempt) int { return a.Old })
	}
}

// place is the index of the place of a role.
func (s *staged) place(role string) int {
	at, _ := harness.RolePlace(s.rec.Places, role)
	return at
}

// copies writes what was found on a node of a ledger's attempts.
func (s *staged) copies(head loadgen.Header, st harness.Stream, node string, attempts []measure.Attempt, of func(measure.Attempt) int) {
	c := harness.CopiesFile{Stream: st.ID, Load: st.Load, Node: node, Reading: harness.AfterHeal, File: "data/ledger/" + st.Load + ".copies-" + node + "-after-heal.bin", Count: len(attempts)}
	f := s.create(c.File)
	_, err := loadgen.WriteCopies(f, head, func(yield func(int) bool) {
		for _, a := range attempts {
			if !yield(of(a)) {
				return
			}
		}
	})
	if err := errors.Join(err, f.Close()); err != nil {
		s.t.Fatal(err)
	}
	s.rec.Ledger.Copies = append(s.rec.Ledger.Copies, c)
}

// attempt is a write of 100.00: lost if the standby was promoted and had not got it.
func (s *staged) attempt(id int, of loadgen.Sample) measure.Attempt {
	a := measure.Attempt{Attempt: loadgen.Attempt{ID: loadgen.AttemptID(uint32(id), of.Seq), Sent: of.Sent, Done: of.Done, Amount: 10_000, Outcome: loadgen.AttemptOK}, New: 1}
	at := float64(of.Done) / 1e9
	if of.Outcome != loadgen.OK {
		a.Outcome, a.New = loadgen.AttemptUnknown, 0
	}
	if s.moved > 0 && s.cut > 0 && at >= s.cut && at < s.moved && a.New > 0 {
		a.New, a.Old = 0, 1
		s.rec.Ledger.OldOnly++
	}
	return a
}

// probes writes what was seen beside the load.
func (s *staged) probes() {
	s.probe("replication.heartbeat", "west.db", 0.1, func(at float64, o *harness.Observation) {
		o.Unit, o.Value = "ns", sec(0.05)
		if s.cut > 0 && at >= s.cut && (s.heal == 0 || at < s.heal) {
			o.Value = sec(at - s.cut + 0.05)
		}
		if s.moved > 0 && at >= s.moved {
			o.OK, o.Value, o.Detail = false, 0, "role=promoted"
		}
	})
	s.probe("postgres.writable", "west.db", 0.1, func(at float64, o *harness.Observation) {
		o.Unit, o.OK, o.Detail = "bool", s.moved > 0 && at >= s.moved, "in recovery"
	})
	s.probe("dns.answer", "west", 0.2, func(at float64, o *harness.Observation) {
		o.Unit = "count"
		if s.moved > 0 && at >= s.moved+0.5 {
			o.Value = 1
		}
	})
	for _, on := range []string{"east.api", "west.api"} {
		s.probe("http.health", on, 0.2, func(at float64, o *harness.Observation) {
			o.Unit, o.OK = "bool", on == "west.api" || at < s.down || s.down == 0
		})
	}
	n := 0
	s.probe("answers.known", "entry", 0.2, func(at float64, o *harness.Observation) {
		marker := harness.Question{ID: measure.MarkerQuestion, Namespace: "public", Text: "blackstart marker", Right: "blackstart-marker"}
		q := append(s.rec.Target.Questions, marker)[n%3]
		n++
		o.Unit = "bool"
		o.Answer = &harness.Answer{Question: q.ID, Namespace: q.Namespace, Text: q.Text, Right: q.Right}
		if q.ID == marker.ID {
			o.Answer.Wrote = n%2 == 0
			if o.Answer.Version = int64(at); s.cut > 0 && s.moved > 0 && at > s.cut && !o.Answer.Wrote {
				o.Answer.Version = int64(min(at, s.cut))
				if at < s.moved {
					o.Answer.Version = int64(at)
				}
			}
		}
		if s.answer(at) != loadgen.OK && s.answer(at) != loadgen.WrongAnswer {
			o.OK, o.Reached, o.Detail = false, false, "no answer"
			return
		}
		o.Answer.First, o.Answer.Region, o.Answer.Build, o.Answer.DataAsOf = q.Right, "east", s.build(at), s.at(at)
		if s.moved > 0 && at > s.moved {
			o.Answer.Region = "west"
		}
		if s.wrong(at) && q.Older != "" {
			o.Answer.First = q.Older
		}
	})
	if s.moved > 0 {
		s.rec.Ledger.Promoted = true
	}
}

func (s *staged) probe(name, on string, every float64, fill func(float64, *harness.Observation)) {
	p := harness.ProbeSeries{Probe: name, On: on, File: fmt.Sprintf("data/observations/%s-%s.jsonl", name, on), EveryNS: sec(every), Ran: s.span(0.5, 60)}
	f := s.create(p.File)
	enc := json.NewEncoder(f)
	for at := 1.0; at < 59; at += every {
		o := harness.Observation{Probe: name, On: on, At: s.span(at, at+0.01), Reached: true, OK: true}
		fill(at, &o)
		if err := enc.Encode(o); err != nil {
			s.t.Fatal(err)
		}
		p.Count++
	}
	if err := f.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.rec.Probes = append(s.rec.Probes, p)
}
