package measure

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/loadgen"
)

// logAgainstClients begins every sentence on a disagreement of these two witnesses.
const logAgainstClients = "the old primary's log and the clients' attempts disagree: the log "

// maxWALLine bounds one line of the list of commits, in bytes.
const maxWALLine = 4 << 10

// Commits reads the list of the old primary's commits after the fork, in the order of its log.
func (f *fileSource) Commits(yield func(harness.WALCommit) error) error {
	name := f.rec.Ledger.WAL.File
	file, err := f.fsys.Open(name)
	if err != nil {
		return fmt.Errorf("open the list of commits: %w", err)
	}
	defer file.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, maxWALLine)
	for n := 1; lines.Scan(); n++ {
		var c harness.WALCommit
		err := json.Unmarshal(lines.Bytes(), &c)
		if err == nil {
			err = yield(c)
		}
		if err != nil {
			return fmt.Errorf("read %s line %d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// forkedLog is the old primary's log after the fork, as far as it is told by the ids of rows.
type forkedLog struct {
	rows []forkedRow // in order of id; id 0: a commit whose rows are gone
	why  string      // why there is no list to hold anything against, "" if there is one
	odd  string      // how it contradicts the record or the clients, in a sentence; "" if it does not
}

type forkedRow struct {
	id        uint64
	at        harness.Stamp
	attempted bool // an attempt has this id
}

// readCommits reads the list of commits once.
func readCommits(rec *harness.Record, src Source) forkedLog {
	w := rec.Ledger.WAL
	switch {
	case !rec.Ledger.Promoted:
		return forkedLog{why: detailNoFailover}
	case w.Tool == "":
		return forkedLog{why: "the old primary's log was not read: " + orUnknown(rec.Ledger.WALDetail)}
	case w.File == "":
		return forkedLog{why: "the commits in the old primary's log are not listed by their ids"}
	}
	var l forkedLog
	xids := map[uint32]bool{}
	err := src.Commits(func(c harness.WALCommit) error {
		if len(l.rows) >= w.Listed {
			return fmt.Errorf("it holds more than the %d lines that the record counts", w.Listed)
		}
		l.rows, xids[c.XID] = append(l.rows, forkedRow{id: c.ID, at: c.At}), true
		return nil
	})
	switch {
	case err != nil:
		return forkedLog{odd: "the list of the commits in the old primary's log cannot be used: " + err.Error()}
	case len(l.rows) != w.Listed:
		return forkedLog{odd: fmt.Sprintf("%s holds %d lines, the record counts %d", w.File, len(l.rows), w.Listed)}
	case len(xids) > w.Commits:
		return forkedLog{odd: fmt.Sprintf("%s lists %d commits, the record counts %d", w.File, len(xids), w.Commits)}
	case len(xids) < w.Commits:
		return forkedLog{why: fmt.Sprintf("only %d of the %d commits in the old primary's log are listed by their ids", len(xids), w.Commits)}
	}
	slices.SortFunc(l.rows, func(a, b forkedRow) int { return cmp.Compare(a.id, b.id) })
	return l
}

// forkComparison is what the list of commits and the clients' attempts say of each other.
type forkComparison struct {
	forkedLog
	promised     int           // commits of the list that clients were told of, and which are lost
	lastPromised harness.Stamp // when the last of them was made, by the server's clock
}

// forked holds the commits after the fork against all attempts, once.
func (d *dataset) forked() *forkComparison {
	if d.fork != nil {
		return d.fork
	}
	d.fork = &forkComparison{forkedLog: d.commits}
	b := d.fork
	if b.why != "" || b.odd != "" {
		return b
	}
	if err := d.ledger("").err; err != nil {
		b.why = err.Error()
		return b
	}
	for a := range d.Attempts("") {
		b.take(a)
	}
	b.close()
	return b
}

// take holds one attempt against the list.
func (b *forkComparison) take(a Attempt) {
	i, found := slices.BinarySearchFunc(b.rows, a.ID, func(r forkedRow, id uint64) int { return cmp.Compare(r.id, id) })
	why := ""
	switch class := ClassOf(a); {
	case class == NotRead:
	case found && class == Lost:
		b.promised++
		b.lastPromised = max(b.lastPromised, b.rows[i].at)
	case found && a.Outcome == loadgen.AttemptDefinite:
		why = "yet its client was told for certain that it was refused"
	case found && a.New > 0:
		why = "yet it is on the new primary, which had left that log before"
	case !found && a.New == 0 && a.Old > 0:
		why = "though the old primary holds it and the new one does not"
	}
	for ; found && i < len(b.rows) && b.rows[i].id == a.ID; i++ {
		b.rows[i].attempted = true
	}
	if why != "" && b.odd == "" {
		lists := "lists a commit of write %d after the fork, "
		if !found {
			lists = "lists no commit of write %d after the fork, "
		}
		b.odd = logAgainstClients + fmt.Sprintf(lists, a.ID) + why
	}
}

// close looks for commits that no attempt explains.
func (b *forkComparison) close() {
	for _, r := range b.rows {
		switch {
		case b.odd != "" || r.attempted:
		case r.id == 0:
			b.odd = logAgainstClients + "lists a commit of the ledger after the fork that left no row on the old primary"
		default:
			b.odd = logAgainstClients + fmt.Sprintf("lists a commit of write %d after the fork, which no client attempted", r.id)
		}
	}
}

// database measures the loss by the databases' own logs: the last commit after the fork that a client had been promised,
// against the promoted node's frozen replay time. Commits that nobody was promised are no loss: a write that still waited
// for its standby when the region was cut is committed behind the cut as soon as nobody waits any more.
func (d *dataset) database() harness.Measurement {
	m := harness.Measurement{
		Name: NameRPODatabase, Unit: harness.UnitNS,
		Method: "last acknowledged and lost commit in the old primary's log after the fork − last commit the new one replayed",
	}
	l, b := d.rec.Ledger, d.forked()
	switch {
	case b.why != "":
		m.Detail = b.why
	case b.odd != "":
		m.Detail = b.odd
	case b.promised > 0 && (b.lastPromised == 0 || l.ReplayFrozen == 0):
		m.Detail = "the time of the last lost commit or the replay time of the new primary is missing"
	default:
		m.Known = true
		if b.promised > 0 {
			m.Lo = max(0, int64(b.lastPromised-l.ReplayFrozen))
			m.Hi = m.Lo
		}
		m.Detail = fmt.Sprintf("%s lists %s commits after the fork; clients had been promised %s of them, and nobody the other %s",
			l.WAL.Tool, Count(int64(l.WAL.Commits)), Count(int64(b.promised)), Count(int64(max(0, l.WAL.Commits-b.promised))))
	}
	return m
}
