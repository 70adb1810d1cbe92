package measure

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"blackstart/harness"
)

// Measures of what was acknowledged and is missing.
const (
	MeasureRPOTime  = "rpo.time"
	MeasureRPOLost  = "rpo.lost"
	MeasureRPOValue = "rpo.value"
)

var _, _, _ = addLoss(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureRPOTime, Title: "RPO", Doc: "how far back the last kept write of a ledger lies before a fault", Unit: harness.UnitNS, Fault: true,
	},
	Endless: "no bound", Evidence: "recovery point",
}), addLoss(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureRPOLost, Title: "lost writes", Doc: "acknowledged writes that are missing, by count", Unit: harness.UnitCount,
	},
	Asking: func(o harness.Objective) string { return "acknowledged writes lost: at most " + o.AtMost },
	Missed: func(f harness.Finding) string { return Value(f.Measured) + " acknowledged writes lost" },
	Impact: func(m harness.Measurement, all []harness.Measurement) string {
		if m.Load != "" || !m.Known {
			return ""
		}
		return "acknowledged writes lost " + Value(m) + lostByLoad(all)
	},
	InTable: "Acknowledged writes really lost", Evidence: "lost writes",
}), addLoss(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureRPOValue, Title: "lost value", Doc: "acknowledged writes that are missing, by value", Unit: harness.UnitMinor, Valued: true,
	},
	Asking:  func(o harness.Objective) string { return "value of the writes lost: at most " + o.AtMost },
	Missed:  func(f harness.Finding) string { return "value lost " + Value(f.Measured) },
	InTable: "Value really lost",
})

// addLoss adds a measure with what all of them have in common.
func addLoss(r Row) Row {
	r.Load, r.Ledger, r.Losses, r.Formula = true, true, true, "RPO"
	r.Find = func(d *Dataset, o TimedObjective) harness.Measurement {
		return d.lossMeasure(o.Measure, o.Load, originOf(o.Objective))
	}
	r.Files = func(d *Dataset, o harness.Objective) []string { return d.ledgerFiles(o.Load) }
	r.Contradicted = func(d *Dataset, _ harness.Objective, fault harness.Interval) string {
		if why := d.forked().odd; why != "" {
			return why
		}
		return d.wroteEarly(fault)
	}
	return Add(r)
}

// lostByLoad tells the share of each load that lost writes.
func lostByLoad(all []harness.Measurement) string {
	var parts []string
	for _, m := range all {
		if m.Name == MeasureRPOLost && m.Load != "" && m.Known && m.Hi > 0 {
			parts = append(parts, m.Load+" "+Value(m))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// loadLedger is the ledger of one load, or of all.
type loadLedger struct {
	ledger
	files   []string
	err     error
	durable map[int]int64 // by fault: when the last write before the first lost one was acknowledged, where it was looked for
}

// ledger counts the write attempts of a load, or of all loads for "".
func (d *dataset) ledger(load string) loadLedger {
	l, ok := d.ledgers[load]
	if !ok {
		l = d.join(load)
		d.ledgers[load] = l
	}
	return l
}

func (d *dataset) join(load string) loadLedger {
	l := loadLedger{ledger: d.newLedger(), durable: map[int]int64{}}
	for _, w := range d.writes {
		if load != "" && w.Stream.Load != load {
			continue
		}
		if w.Err != nil {
			return loadLedger{ledger: d.newLedger(), err: w.Err}
		}
		l.join(w.ledger)
		l.files = append(l.files, w.Stream.File)
	}
	switch {
	case len(l.files) == 0 && load != "":
		l.err = fmt.Errorf("there is no ledger of load %q", load)
	case len(l.files) == 0:
		l.err = fmt.Errorf("there is no ledger")
	}
	return l
}

// Attempts reads the write attempts of a load again, or those of all loads for "".
func (d *dataset) Attempts(load string) iter.Seq[Attempt] {
	return func(yield func(Attempt) bool) {
		for _, w := range d.writes {
			if load != "" && w.Stream.Load != load {
				continue
			}
			ahead := d.ahead(w.Stream)
			for a, err := range d.src.Attempts(w.Stream.ID) {
				if a.Ahead = ahead; err != nil || !yield(a) {
					return
				}
			}
		}
	}
}

// fault finds the number by which ledgers count what depends on a fault; 0 for one that they do not know.
func (d *dataset) fault(b Bounds) int { return max(0, slices.Index(d.faults, b)) }

// newLedger counts by the faults and the clocks of the drill.
func (d *dataset) newLedger() ledger {
	l := newLedger(d.faults, d.wasPrimary)
	l.cuts = d.cuts
	for i := range l.since {
		l.since[i].clock = slices.IndexFunc(d.clocks, func(c clock) bool { return !c.tf.Never() && d.bounds(c.tf) == l.since[i].fault })
	}
	return l
}

// faultBounds is when the fault came into force that is counted from, in ns since the anchor; for a null drill, the end of its
// observation: nothing is lost before it.
func (d *dataset) faultBounds(from origin) (Bounds, error) {
	if d.null() {
		end := d.sinceAnchor(d.rec.Observation.Hi)
		return Bounds{end, end}, nil
	}
	at, err := d.moment(from)
	if err != nil {
		return Bounds{}, err
	}
	return d.bounds(at), nil
}

// ledgerNotes says what to bear in mind of every number that comes from the ledger.
func (d *dataset) ledgerNotes() string {
	l := d.rec.Ledger
	note := ""
	switch {
	case len(d.writes) == 0:
		return "no ledger was written"
	case !l.Read:
		return "the ledger was not read on the serving primary"
	case l.RoleDetail != "":
		note = detailClientSide + ": " + l.RoleDetail
	case !l.Promoted:
		note = detailNoFailover
		if d.null() {
			note = detailNoFault
		}
	case l.OldRead:
		note = fmt.Sprintf("checked against the old primary %s, which holds %s ids that %s lacks",
			l.OldPrimary, Count(int64(l.OldOnly)), l.Primary)
		if l.OldBasis != "" {
			note += "; read where it stands: " + l.OldBasis
		}
	default:
		note = detailClientSide + ": the old primary was not read: " + orUnknown(l.OldDetail)
	}
	return note
}

// lossMeasure measures rpo.lost, rpo.value or rpo.time for a load ("" for all), after a fault.
func (d *dataset) lossMeasure(measure, load string, from origin) harness.Measurement {
	m := harness.Measurement{Name: measure, Load: load, Unit: RowOf(measure).Unit, Method: methodLedger}
	d.decimals(&m)
	l := d.ledger(load)
	err := l.err
	fault, faultErr := d.faultBounds(from)
	loss := l.loss(d.fault(fault))
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
		d.lossTime(&m, load, loss, fault)
	default:
		n := int64(loss.Lost)
		if measure == MeasureRPOValue {
			n = loss.Amount
		}
		m.Known, m.Lo, m.Hi, m.Detail = true, n, n, d.ledgerNotes()
		if loss.Diverged > 0 {
			m.Detail += fmt.Sprintf("; %s of %s were acknowledged behind the fault (divergence)",
				Count(int64(loss.Diverged)), Count(int64(loss.Lost)))
		}
	}
	return m
}

func (d *dataset) lossTime(m *harness.Measurement, load string, loss Loss, fault Bounds) {
	l := d.ledger(load)
	t := l.lossTime(d.fault(fault), func() int64 { return d.lastDurable(load, d.fault(fault)) })
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

// lastDurable is when the last write of a load before the first that the fault of a number lost was acknowledged; -1 if none was.
func (d *dataset) lastDurable(load string, fault int) int64 {
	l := d.ledger(load)
	last, ok := l.durable[fault]
	if !ok {
		last = lastDurable(d.Attempts(load), *l.since[fault].firstLost)
		l.durable[fault] = last
	}
	return last
}

// losses gives the measurements of all ledgers together and of each, and what the databases' own log says.
func (d *dataset) losses(c clock) []harness.Measurement {
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
			if load != "" && measure == MeasureRPOTime {
				continue
			}
			m := d.lossMeasure(measure, load, c.origin)
			if measure == MeasureRPOTime { // a count of what is missing is a fact, a time of zero would be an achievement
				d.unexercised(&m, harness.Objective{Measure: measure, Load: load, After: c.after})
			}
			all = append(all, m)
		}
	}
	all = append(all, d.divergence(c)...)
	if d.later(c.tf) {
		return all // the log was read from one fork
	}
	return append(all, d.database())
}

// divergence measures what writers behind the fault were promised and lost.
func (d *dataset) divergence(c clock) []harness.Measurement {
	count := harness.Measurement{Name: NameDivergence, Unit: harness.UnitCount, Method: "lost writes of place primary, acknowledged after T_f"}
	lasted := harness.Measurement{Name: NameDivergenceTime, Unit: harness.UnitNS, Method: "last such acknowledgement − T_f"}
	cost := harness.Measurement{Name: NameDivergenceCost, Unit: harness.UnitMinor, Method: "amount of such writes"}
	l := d.ledger("")
	err := l.err
	fault, faultErr := d.faultBounds(c.origin)
	loss := l.loss(d.fault(fault))
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
		cost = exact(cost.Name, loss.Value, cost.Unit, cost.Method)
		lasted.Known = true
		if loss.Diverged > 0 {
			lasted.Lo, lasted.Hi = max(0, loss.LastAck.Lo-fault.Hi), max(0, loss.LastAck.Hi-fault.Lo)
		}
	}
	count.Detail, lasted.Detail, cost.Detail = detail, detail, detail
	d.decimals(&cost)
	return []harness.Measurement{count, lasted, cost}
}
