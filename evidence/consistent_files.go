package evidence

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// agreesWithLoad compares a stream with the load it comes from and with its file's header.
func (c *checker) agreesWithLoad(s harness.Stream) error {
	rec := c.out.Record
	loads := rec.Played().Load
	i := slices.IndexFunc(loads, func(l harness.LoadSpec) bool { return l.ID == s.Load })
	if i < 0 && rec.ObserveOnly != nil {
		return fmt.Errorf("nothing but what is observed ran, and load %s is none of it", s.Load)
	}
	if i < 0 && len(loads) > 0 {
		return fmt.Errorf("the scenario has no load %s", s.Load)
	}
	if i >= 0 {
		l := loads[i]
		if err := errors.Join(differs("workload", s.Workload, l.Workload), differs("place", roleOf(c.out.Record, s), l.Place), differs("timeout", s.TimeoutNS, int64(l.Timeout)),
			differs("rate", int64(s.Freq)*int64(l.Rate.Per), int64(l.Rate.Count)*s.PerNS)); err != nil {
			return err
		}
	}
	if !s.Closed {
		return nil // torn by a crash: perhaps before its header was written
	}
	f, err := c.pack.Open(s.File)
	if err != nil {
		return err
	}
	defer f.Close()
	h, err := loadgen.ReadHeader(f)
	if err != nil {
		return err
	}
	id := fmt.Sprintf("%x-%x-%x-%x-%x", h.Run[0:4], h.Run[4:6], h.Run[6:8], h.Run[8:10], h.Run[10:16])
	return errors.Join(differs("run id", c.out.Record.RunID, id), differs("stream id", s.ID, int(h.Stream)), differs("anchor", int64(c.out.Record.Anchor), h.Anchor),
		differs("place", s.Place, int(h.Place)), differs("host", s.Host, int(h.Host)))
}

// roleOf is that of the place where the clients of a stream stand, "" if the record does not name it.
func roleOf(rec *harness.Record, s harness.Stream) string {
	p, _ := rec.Place(s.Place)
	return p.Role
}

// listedProbe demands that a series with an id is one of a probe that the scenario or the target lists under it, asked no oftener.
func listedProbe(rec *harness.Record, p harness.ProbeSeries) error {
	if p.ID == "" {
		return nil
	}
	for _, spec := range slices.Concat(rec.Scenario.Probes, rec.Target.Probes) {
		if spec.ID == p.ID && spec.Probe == p.Probe && int64(spec.Every) <= p.EveryNS {
			return nil
		}
	}
	return fmt.Errorf("neither the scenario nor the target lists %s as %s, asked every %s", p.ID, p.Probe, time.Duration(p.EveryNS))
}

// agreesWithProbe reads every answer strictly: one object a line, of this probe, in order of time.
func (c *checker) agreesWithProbe(p harness.ProbeSeries) error {
	if err := listedProbe(c.out.Record, p); err != nil {
		return err
	}
	f, err := c.pack.Open(p.File)
	if err != nil {
		return err
	}
	defer f.Close()
	last, n := harness.Stamp(0), 0
	for line, err := range harness.ObservationLines(f) {
		if err != nil {
			return err
		}
		n++
		var o harness.Observation
		if err := seal.StrictDecode(line, &o); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if o.Probe != p.Probe || o.At.Lo < last || o.At.Hi < o.At.Lo {
			return fmt.Errorf("line %d: an answer of %s at %s does not follow", n, o.Probe, o.At.Lo)
		}
		if p.Ran.Hi != 0 && (o.At.Lo < p.Ran.Lo || o.At.Hi > p.Ran.Hi) {
			return fmt.Errorf("line %d: an answer at %s, the probe ran from %s to %s", n, o.At.Lo, p.Ran.Lo, p.Ran.Hi)
		}
		if err := plausible(o, &c.out.Record.Target); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		last = o.At.Lo
	}
	return differs("number of answers", p.Count, n)
}

// maxOldOnly is how many ids of the old primary alone the record lists; the files of copies hold all of them.
const maxOldOnly = 1000

// agreesWithSchedule demands that every sample of a closed stream is due when the schedule in the record says, that it ended in a way
// that the record's table names, and that they are all that were due before its stop.
func (c *checker) agreesWithSchedule(s harness.Stream) error {
	if s.Kind != "samples" || !s.Closed {
		return nil
	}
	plan := loadgen.Schedule{Start: s.StartNS, Freq: s.Freq, Per: time.Duration(s.PerNS)}
	if err := plan.Check(); err != nil {
		return err
	}
	n, known := uint64(0), namedOutcomes(c.out.Record)
	for one, err := range measure.Files(packFS{c.pack}, c.out.Record).Samples(s.ID, 0) {
		if err != nil {
			return err
		}
		if !known[one.Outcome] {
			return fmt.Errorf("sample %d ended as %d, which the table of outcomes does not name", n, one.Outcome)
		}
		if one.Due != plan.Due(n) {
			return fmt.Errorf("sample %d is due at %d, by the schedule in the record at %d", n, one.Due, plan.Due(n))
		}
		n++
	}
	if n != plan.Count(s.StopNS-1) && n != plan.Count(s.StopNS) { // one due at the stop itself may be there
		return fmt.Errorf("%d samples; by the schedule in the record %d were due before its stop", n, plan.Count(s.StopNS-1))
	}
	return nil
}

// agreesOnPromotion holds what the record says of a failover against the probe that writes to the former standby.
func (c *checker) agreesOnPromotion() error {
	rec := c.out.Record
	if !rec.Ledger.RoleKnown() || rec.Ledger.Promoted {
		return nil // it was not asked; or it says so, and the bounds are judged
	}
	standby, _ := rec.Target.RegionByRole(harness.Standby)
	for _, p := range rec.Probes {
		if on, _ := rec.Target.ComponentByName(p.On); p.Probe != harness.ProbeWritable || on.Region != standby.Name {
			continue
		}
		for o, err := range measure.Files(packFS{c.pack}, rec).Observations(p) {
			if err != nil {
				break // its file is refused for itself
			}
			if o.OK && o.Value == 1 {
				return fmt.Errorf("no failover took place, yet %s wrote to %s at %s", o.Probe, o.On, o.At.Lo)
			}
		}
	}
	return nil
}

// agreesWithLedger counts again what the record says of both ledgers, and holds samples against attempts.
func (c *checker) agreesWithLedger() error {
	rec := c.out.Record
	src := measure.Files(packFS{c.pack}, rec)
	if err := errors.Join(namedReadings(rec), agreesOnTable(rec)); err != nil {
		return err
	}
	onlyOld, listed := 0, []uint64{}
	for _, s := range rec.Streams {
		if s.Kind != "ledger" || !s.Closed {
			continue
		}
		if err := agreesWithReadings(rec, s.ID); err != nil {
			return err
		}
		given, err := c.givenIDs(s)
		if err != nil {
			return err
		}
		good := 0
		for a, err := range src.Attempts(s.ID) {
			if err == nil {
				err = agreesWithID(a, given)
			}
			if err != nil {
				return err
			}
			if int(a.Place) != s.Place {
				return fmt.Errorf("attempt %d was made at place %d, its load stands at place %d", a.ID, a.Place, s.Place)
			}
			if a.Outcome == loadgen.AttemptOK {
				good++
			}
			if rec.Ledger.OldRead && a.New == 0 && a.Old > 0 {
				if onlyOld++; len(listed) < maxOldOnly {
					listed = append(listed, a.ID)
				}
			}
		}
		for one, err := range src.Samples(s.ID, 0) {
			if err != nil {
				return err
			}
			if one.Outcome == loadgen.OK {
				good--
			}
		}
		if good != 0 {
			return fmt.Errorf("load %s: samples and attempts do not agree on how many writes were acknowledged", s.Load)
		}
	}
	if !rec.Ledger.OldRead {
		return nil
	}
	if !slices.Equal(rec.Ledger.OldOnlyIDs, listed) {
		return errors.New("the ids it lists as being on the old primary only are not those of the ledger files")
	}
	return differs("writes on the old primary only", rec.Ledger.OldOnly, onlyOld)
}

// agreesWithReadings demands that a file of copies is there exactly for the databases that are said to be read.
func agreesWithReadings(rec *harness.Record, stream int) error {
	l := rec.Ledger
	_, serving, err := measure.CopiesOn(rec, stream, l.Primary, measure.JudgedReading)
	if err != nil {
		return err
	}
	_, old, err := measure.CopiesOn(rec, stream, l.OldPrimary, measure.JudgedReading)
	return errors.Join(err, differs("copies on "+l.Primary, l.Read, serving), differs("copies on the old primary "+l.OldPrimary, l.OldRead, old))
}
