package measure

import (
	"fmt"
	"slices"

	"blackstart/harness"
)

// ledgerOf is the ledger of one load, or of all.
type ledgerOf struct {
	attempts []Attempt
	files    []string
	err      error
}

// attempts gives the write attempts of a load, or of all loads for "".
func (d *drill) attempts(load string) ([]Attempt, []string, error) {
	l, ok := d.ledgers[load]
	if !ok {
		l.attempts, l.files, l.err = d.join(load)
		d.ledgers[load] = l
	}
	return l.attempts, l.files, l.err
}

func (d *drill) join(load string) ([]Attempt, []string, error) {
	var all []Attempt
	var names []string
	for _, w := range d.writes {
		if load != "" && w.Stream.Load != load {
			continue
		}
		if w.Err != nil {
			return nil, nil, w.Err
		}
		all = append(all, w.Attempts...)
		names = append(names, w.Stream.File)
	}
	switch {
	case len(names) == 0 && load != "":
		return nil, nil, fmt.Errorf("there is no ledger of load %q", load)
	case len(names) == 0:
		return nil, nil, fmt.Errorf("there is no ledger")
	}
	return all, names, nil
}

// faultBounds is T_f, or when the fault of a kind came into force, in ns since the anchor; for a null drill, the end of its
// observation: nothing is lost before it.
func (d *drill) faultBounds(kind string) (Bounds, error) {
	if d.null() {
		end := d.rel(d.rec.Observation.Hi)
		return Bounds{end, end}, nil
	}
	at, err := d.moment(kind)
	if err != nil {
		return Bounds{}, err
	}
	return d.bounds(at), nil
}

// ledgerNotes says what to bear in mind of every number that comes from the ledger.
func (d *drill) ledgerNotes() string {
	l := d.rec.Ledger
	note := ""
	switch {
	case len(d.writes) == 0:
		return "no ledger was written"
	case !l.Read:
		return "the ledger was not read on the serving primary"
	case !l.Promoted:
		note = detailNoFailover
		if d.null() {
			note = detailNoFault
		}
	case l.OldRead:
		note = fmt.Sprintf("checked against the old primary %s, which holds %s ids that %s lacks",
			l.OldPrimary, Count(int64(l.OracleMissing)), l.Primary)
	default:
		note = detailClientSide + ": the old primary was not read: " + orUnknown(l.OldDetail)
	}
	return note
}

// lossMeasure measures rpo.lost, rpo.value or rpo.time for a load ("" for all), after a fault of a kind ("": T_f).
func (d *drill) lossMeasure(measure, load, kind string) harness.Measurement {
	m := harness.Measurement{Name: measure, Load: load, Unit: lossUnit(measure), Method: methodLedger}
	attempts, _, err := d.attempts(load)
	fault, faultErr := d.faultBounds(kind)
	loss := LossOf(attempts, fault.Hi)
	switch {
	case err != nil:
		m.Detail = err.Error()
	case faultErr != nil:
		m.Detail = faultErr.Error()
	case !d.rec.Ledger.Read || loss.Unread > 0:
		m.Detail = fmt.Sprintf("%s of %s writes were not looked up on the serving primary",
			Count(int64(loss.Unread)), Count(int64(loss.Attempts)))
	case loss.Acked == 0:
		m.Detail = "no write was acknowledged: there was nothing to lose"
	case measure == MeasureRPOTime:
		d.lossTime(&m, attempts, loss, fault)
	default:
		n := int64(loss.Lost)
		if measure == MeasureRPOValue {
			n = int64(loss.Amount)
		}
		m.Known, m.Lo, m.Hi, m.Detail = true, n, n, d.ledgerNotes()
		if loss.Diverged > 0 {
			m.Detail += fmt.Sprintf("; %s of %s were acknowledged behind the fault (divergence)",
				Count(int64(loss.Diverged)), Count(int64(loss.Lost)))
		}
	}
	return m
}

func lossUnit(measure string) string {
	switch measure {
	case MeasureRPOTime:
		return UnitNS
	case MeasureRPOValue:
		return UnitMinor
	}
	return UnitCount
}

func (d *drill) lossTime(m *harness.Measurement, attempts []Attempt, loss Loss, fault Bounds) {
	t := RPOTime(attempts, fault)
	m.Method = "T_f − first lost acknowledgement, and T_f − last durable one before it"
	m.Lo, m.Hi, m.Unbounded, m.Known = t.Lo, t.Hi, t.Unbounded, t.Unknown == ""
	m.Detail = t.Unknown
	if !m.Known {
		return
	}
	m.Detail = d.ledgerNotes()
	if loss.Diverged > 0 {
		m.Detail += fmt.Sprintf("; divergence of %s writes is shown apart", Count(int64(loss.Diverged)))
	}
}

// losses gives the measurements of all ledgers together and of each, and what the databases' own log says.
func (d *drill) losses() []harness.Measurement {
	loads := []string{""}
	for _, w := range d.writes {
		if !slices.Contains(loads, w.Stream.Load) {
			loads = append(loads, w.Stream.Load)
		}
	}
	if len(loads) == 1 {
		return nil
	}
	var all []harness.Measurement
	for _, load := range loads {
		for _, measure := range []string{MeasureRPOLost, MeasureRPOValue, MeasureRPOTime} {
			if load != "" || measure != MeasureRPOTime {
				all = append(all, d.lossMeasure(measure, load, ""))
			}
		}
	}
	all = append(all, d.divergence()...)
	return append(all, d.database())
}

// divergence measures what writers behind the fault were promised and lost.
func (d *drill) divergence() []harness.Measurement {
	count := harness.Measurement{Name: NameDivergence, Unit: UnitCount, Method: "lost writes of place primary, acknowledged after T_f"}
	lasted := harness.Measurement{Name: NameDivergenceTime, Unit: UnitNS, Method: "last such acknowledgement − T_f"}
	cost := harness.Measurement{Name: NameDivergenceCost, Unit: UnitMinor, Method: "amount of such writes"}
	attempts, _, err := d.attempts("")
	fault, faultErr := d.faultBounds("")
	loss := LossOf(attempts, fault.Hi)
	detail := ""
	switch {
	case err != nil:
		detail = err.Error()
	case faultErr != nil:
		detail = faultErr.Error()
	case !d.rec.Ledger.Read || loss.Unread > 0:
		detail = "the ledger was not read in full"
	default:
		count = exact(count.Name, int64(loss.Diverged), count.Unit, count.Method)
		cost = exact(cost.Name, int64(loss.Value), cost.Unit, cost.Method)
		lasted.Known = true
		if loss.Diverged > 0 {
			lasted.Lo, lasted.Hi = max(0, loss.LastAck-fault.Hi), max(0, loss.LastAck-fault.Lo)
		}
	}
	count.Detail, lasted.Detail, cost.Detail = detail, detail, detail
	return []harness.Measurement{count, lasted, cost}
}

// database measures the loss by the databases' own logs: last lost ledger commit − the promoted node's frozen replay time.
func (d *drill) database() harness.Measurement {
	m := harness.Measurement{
		Name: NameRPODatabase, Unit: UnitNS,
		Method: "last ledger commit in the old primary's log after the fork − last commit the new one replayed",
	}
	l := d.rec.Ledger
	switch {
	case !l.Promoted:
		m.Detail = detailNoFailover
	case l.WAL.Tool == "":
		m.Detail = "the old primary's log was not read: " + orUnknown(l.WALDetail)
	case l.WAL.Commits == 0:
		m.Known, m.Detail = true, "no ledger commit after the fork, by "+l.WAL.Tool
	case l.WAL.LastAt == 0 || l.ReplayFrozen == 0:
		m.Detail = "the last lost commit or the replay time of the new primary is missing"
	default:
		m.Known = true
		m.Lo = max(0, int64(l.WAL.LastAt-l.ReplayFrozen))
		m.Hi = m.Lo
		all, _, _ := d.attempts("") // of none there is nothing to say
		m.Detail = fmt.Sprintf("%s lists %s ledger commits after the fork, of which clients were promised %s; "+
			"the old primary holds %s ids that the new one lacks",
			l.WAL.Tool, Count(int64(l.WAL.Commits)), Count(int64(LossOf(all, 0).Lost)), Count(int64(l.OracleMissing)))
	}
	return m
}
