package measure

import (
	"fmt"
	"slices"

	"blackstart/harness"
)

// checkStreams demands every stream the scenario asks for, closed, whole, on its schedule, and for the whole time.
func (d *dataset) checkStreams() harness.ValidityCheck {
	const name = "streams.complete"
	if len(d.rec.Scenario.Load) == 0 {
		return verdict(name, "the scenario has no load: nothing can be judged", "")
	}
	if len(d.rec.Streams) > maxStreams {
		return verdict(name, fmt.Sprintf("the record names %d streams, at most %d can be judged", len(d.rec.Streams), maxStreams), "")
	}
	if len(d.series)+len(d.writes) != len(d.rec.Streams) {
		return verdict(name, "a stream is of a kind that is not known", "")
	}
	for _, l := range d.rec.Scenario.Load {
		if why := d.missingStream(l); why != "" {
			return verdict(name, fmt.Sprintf("load %s: %s", l.ID, why), "")
		}
	}
	records := 0
	for _, s := range d.series {
		if why := d.sampleFault(s); why != "" {
			return verdict(name, fmt.Sprintf("load %s: %s", s.Stream.Load, why), "")
		}
		records += s.n()
	}
	for _, w := range d.writes {
		if why := d.ledgerFault(w); why != "" {
			return verdict(name, fmt.Sprintf("ledger %s: %s", w.Stream.Load, why), "")
		}
		records += w.ledger.attempts
	}
	return verdict(name, "", fmt.Sprintf("%d streams with %s records, all of them closed and on schedule",
		len(d.rec.Streams), Count(int64(records))))
}

// missingStream tells which stream of a load is not there, or is not the load the scenario describes.
func (d *dataset) missingStream(l harness.LoadSpec) string {
	samples, ledgers, ledger := 0, 0, false
	for _, s := range d.rec.Streams {
		if s.Load != l.ID {
			continue
		}
		if s.Recorded == nil {
			return "its stream does not say what kind of load it is"
		}
		if role := d.role(s); s.Workload != l.Workload || role != l.Place {
			return fmt.Sprintf("its stream is %s at %s, the scenario says %s at %s", s.Workload, orNowhere(role), l.Workload, l.Place)
		}
		switch s.Kind {
		case kindSamples:
			samples++
			// Freq ÷ PerNS must be the scenario's rate.
			if int64(s.Freq)*int64(l.Rate.Per) != int64(l.Rate.Count)*s.PerNS {
				return fmt.Sprintf("its stream runs at %d per %s, the scenario says %s", s.Freq, Length(s.PerNS), l.Rate)
			}
			ledger = s.Traits().Ledger
			for _, c := range s.Traits().Cohorts {
				if !slices.Contains(s.Cohorts, c) {
					return fmt.Sprintf("its stream has the cohorts %v, and clients called %q are to play", some(s.Cohorts), c)
				}
			}
		case kindLedger:
			ledgers++
		}
	}
	switch {
	case samples != 1:
		return fmt.Sprintf("it has %d streams of samples, want one", samples)
	case ledger && ledgers != 1:
		return fmt.Sprintf("it has %d ledgers, want one", ledgers)
	}
	return ""
}

// role is that of the place where the clients of a stream stand; "" of one that the record does not name.
func (d *dataset) role(s harness.Stream) string {
	p, _ := d.rec.Place(s.Place)
	return p.Role
}

func orNowhere(role string) string {
	if role == "" {
		return "a place that the record does not name"
	}
	return role
}

// some gives the first few of names that a record may hold any number of.
func some(names []string) []string { return names[:min(len(names), maxCohorts)] }

// sampleFault recomputes the schedule of a stream and compares.
func (d *dataset) sampleFault(s Series) string {
	st := s.Stream
	switch {
	case s.Err != nil:
		return s.Err.Error()
	case !st.Closed:
		return "its file was not closed"
	case st.Count != s.n():
		return fmt.Sprintf("%d samples are on file, the record counts %d", s.n(), st.Count)
	case st.TimeoutNS <= 0:
		return "it has no timeout"
	case st.Freq <= 0 || st.PerNS <= 0 || st.StopNS < st.StartNS:
		return "nothing was due, so nobody was watched"
	case !onCount(st, int64(s.n())):
		return fmt.Sprintf("%s requests were due by its schedule, %s are on file",
			Count(slotsBefore(st, st.StopNS)), Count(int64(s.n())))
	case d.hostFault(st) != "":
		return d.hostFault(st)
	case st.StartNS-d.ahead(st).Lo > d.sinceAnchor(d.rec.Baseline.Lo)+int64(edgeSlack) || st.StopNS-d.ahead(st).Hi < d.sinceAnchor(max(d.rec.Observation.Hi, d.rec.Undo.Watched.Hi))-int64(edgeSlack):
		return "it did not run from the baseline to the end of observation"
	}
	return s.fault
}

// onCount tells whether a stream holds every slot due before its stop, and at most the one due exactly then besides.
func onCount(s harness.Stream, n int64) bool {
	return n == slotsBefore(s, s.StopNS) || n == slotsBefore(s, s.StopNS+1)
}

// ledgerFault demands that a ledger is whole: ids without a gap, and one first attempt for every request that was sent.
func (d *dataset) ledgerFault(w Writes) string {
	sent := 0
	if s, ok := d.seriesOf(w.Stream.Load); ok {
		sent = s.offered
	}
	switch {
	case w.Err != nil:
		return w.Err.Error()
	case !w.Stream.Closed:
		return "its file was not closed"
	case w.Stream.Count != w.ledger.attempts:
		return fmt.Sprintf("%d attempts are on file, the record counts %d", w.ledger.attempts, w.Stream.Count)
	case d.hostFault(w.Stream) != "":
		return d.hostFault(w.Stream)
	case d.mixed(w.Stream) != "":
		return d.mixed(w.Stream)
	case w.first != sent:
		return fmt.Sprintf("%s requests were sent, but %s first attempts are on file", Count(int64(sent)), Count(int64(w.first)))
	}
	return w.fault
}

// checkOffered demands that nearly all due requests were sent. One that failed was still offered.
func (d *dataset) checkOffered() harness.ValidityCheck {
	const name = "load.offered"
	if len(d.series) == 0 {
		return verdict(name, "there is no load: nothing can be judged", "")
	}
	lowest := ""
	share, late := int64(1_000_000), int64(0)
	for _, s := range d.series {
		late = max(late, s.late)
		if !offeredShare.Of(s.offered, s.n()) {
			return verdict(name, fmt.Sprintf("load %s offered %s of %s due requests, %s are needed", s.Stream.Load,
				Count(int64(s.offered)), Count(int64(s.n())), offeredShare), "")
		}
		if part := mulDiv(int64(s.offered), 1_000_000, int64(s.n())); lowest == "" || part < share {
			share, lowest = part, s.Stream.Load
		}
	}
	return verdict(name, "", fmt.Sprintf("at least %s of due requests, by load %s; none was sent more than %s late",
		harness.Ratio(share), lowest, Length(roundUp(late))))
}

// checkLedger demands that every written id was looked up on the database that serves.
func (d *dataset) checkLedger() harness.ValidityCheck {
	const name = "ledger.read"
	if len(d.writes) == 0 {
		return verdict(name, "", "no ledger was written")
	}
	l := d.rec.Ledger
	if !l.Read || l.Primary == "" {
		return verdict(name, "the ledger was not read on the serving primary", "")
	}
	unread, unreadOld, all := 0, 0, 0
	for _, w := range d.writes {
		all, unread, unreadOld = all+w.ledger.attempts, unread+w.ledger.unread, unreadOld+w.ledger.unreadOld
	}
	switch {
	case unread > 0:
		return verdict(name, fmt.Sprintf("%s of %s ids were not looked up on %s", Count(int64(unread)), Count(int64(all)), l.Primary)+otherReadings(d.rec, l.Primary), "")
	case l.OldRead && unreadOld > 0:
		return verdict(name, fmt.Sprintf("%s of %s ids were not looked up on %s, which is said to be read",
			Count(int64(unreadOld)), Count(int64(all)), l.OldPrimary)+otherReadings(d.rec, l.OldPrimary), "")
	}
	return verdict(name, "", fmt.Sprintf("%s ids looked up on %s", Count(int64(all)), l.Primary))
}

// checkOracle compares both ends of the ledger.
func (d *dataset) checkOracle() harness.ValidityCheck {
	const name = "ledger.oracle"
	l := d.rec.Ledger
	switch {
	case len(d.writes) == 0:
		return verdict(name, "", "no ledger was written")
	case !l.Promoted && l.RoleKnown():
		return verdict(name, "", detailNoFailover+": there is one primary to read")
	case !l.OldRead:
		return verdict(name, "", d.ledgerNotes())
	}
	all := newLedger(nil, d.wasPrimary)
	for _, w := range d.writes {
		all.join(w.ledger)
	}
	return verdict(name, all.oracle(l.OldOnly), d.ledgerNotes())
}
