package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/targets/procs"
)

// walinspectMajor is the first version with the extension pg_walinspect.
const walinspectMajor = 15

// ErrNoWALReader says that neither pg_waldump nor pg_walinspect is there: the
// cross-check in the WAL is not covered.
var ErrNoWALReader = errors.New("neither pg_waldump nor the extension pg_walinspect is there")

// A Commit is one committed transaction that touched the ledger.
type Commit struct {
	XID  uint32
	Subs []uint32  // its subtransactions
	LSN  LSN       // of the commit record
	At   time.Time // as the server stamped it, microseconds
	IDs  []uint64  // of the rows it left in the ledger
}

// WALCommits is what the WAL of one cluster says about its ledger.
type WALCommits struct {
	Reader  string // pg_waldump or pg_walinspect
	From    LSN
	To      LSN
	Commits []Commit // with LSN in [From, To), in order
	Before  *Commit  // the last one before From; nil when the WAL read shows none
}

// Report tells what was read as the record of a drill does; fork is where the promoted database left.
func (w WALCommits) Report(fork Fork) harness.WALReport {
	r := harness.WALReport{Tool: w.Reader, ForkLSN: fork.At.String(), Timeline: int(fork.Parent), Commits: len(w.Commits)}
	if n := len(w.Commits); n > 0 {
		r.FirstAt, r.LastAt = harness.Stamp(w.Commits[0].At.UnixNano()), harness.Stamp(w.Commits[n-1].At.UnixNano())
	}
	if w.Before != nil {
		r.BeforeAt = harness.Stamp(w.Before.At.UnixNano())
	}
	return r
}

// LedgerCommits reads the WAL of the running cluster from the fork to its end and
// returns the commits that touched the relation (its name, perhaps with a
// schema) in Database, with the ids of their rows: column id. Others, of
// heartbeats and audit rows, are left out.
func (c *Cluster) LedgerCommits(ctx context.Context, relation string, from LSN) (WALCommits, error) {
	r, err := c.ledgerCommits(ctx, relation, from)
	if err != nil {
		return WALCommits{}, fmt.Errorf("read the WAL of cluster %s: %w", c.Name, err)
	}
	return r, nil
}

func (c *Cluster) ledgerCommits(ctx context.Context, relation string, from LSN) (WALCommits, error) {
	conn, err := c.Connect(ctx)
	if err != nil {
		return WALCommits{}, err
	}
	defer conn.Close(ctx)
	r := WALCommits{From: from}
	scan := &walScan{from: from, touched: map[string]bool{}}
	var end, segment string
	err = conn.QueryRow(ctx, `SELECT pg_current_wal_flush_lsn()::text, current_setting('wal_segment_size'),
		(SELECT CASE WHEN c.reltablespace = 0 THEN d.dattablespace ELSE c.reltablespace END || '/' || d.oid || '/' || pg_relation_filenode(c.oid)
		 FROM pg_class c, pg_database d WHERE c.oid = $1::text::regclass AND d.datname = current_database())`,
		relation).Scan(&end, &segment, &scan.relation)
	if err != nil {
		return WALCommits{}, fmt.Errorf("locate %s: %w", relation, err)
	}
	if r.To, err = ParseLSN(end); err != nil {
		return WALCommits{}, err
	}
	if r.To <= from {
		r.To = from // nothing was written after the fork
		return r, nil
	}
	// A transaction may have touched the ledger before the fork and committed
	// after it: its first records stand a little earlier.
	start := from - min(from, lookBehind)
	switch {
	case c.Install.has("pg_waldump"):
		r.Reader = "pg_waldump"
		err = c.waldump(ctx, conn, scan, start, r.To)
	case c.Install.Major >= walinspectMajor:
		r.Reader = "pg_walinspect"
		err = c.walinspect(ctx, conn, scan, start, r.To)
	default:
		err = ErrNoWALReader
	}
	if err == nil {
		err = identify(ctx, conn, relation, scan.commits)
	}
	r.Commits, r.Before = scan.commits, scan.before
	return r, err
}

// lookBehind is how far before the fork a transaction may have begun, in bytes.
const lookBehind = LSN(8 << 20)

// oldestWAL returns start, or the beginning of the oldest segment that is left.
func oldestWAL(ctx context.Context, conn *pgx.Conn, start LSN) (LSN, uint32, error) {
	var name string
	var size int64
	var timeline uint32
	err := conn.QueryRow(ctx, `SELECT min(name), (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
		(SELECT timeline_id FROM pg_control_checkpoint()) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'`).Scan(&name, &size, &timeline)
	if err != nil {
		return 0, 0, fmt.Errorf("list the WAL: %w", err)
	}
	var hi, lo uint32
	if _, err := fmt.Sscanf(name[8:], "%08X%08X", &hi, &lo); err != nil {
		return 0, 0, fmt.Errorf("parse WAL file %s: %w", name, err)
	}
	oldest := LSN(uint64(hi)<<32 + uint64(lo)*uint64(size))
	return max(start, oldest), timeline, nil
}

func (c *Cluster) waldump(ctx context.Context, conn *pgx.Conn, scan *walScan, start, end LSN) error {
	begin, timeline, err := oldestWAL(ctx, conn, start)
	if err != nil {
		return err
	}
	if begin > scan.from {
		return fmt.Errorf("the WAL begins at %v, after %v: some of it was removed", begin, scan.from)
	}
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := c.Install.Account.command(ctx, c.Install.program("pg_waldump"), "-p", c.DataDir()+"/pg_wal",
		"-t", fmt.Sprint(timeline), "-s", begin.String(), "-e", end.String())
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := procs.RunTied(cmd); err != nil {
		return fmt.Errorf("run pg_waldump: %w: %s", err, strings.TrimSpace(complaint.String()))
	}
	for line := range strings.Lines(out.String()) {
		if err := scan.dumped(line); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) walinspect(ctx context.Context, conn *pgx.Conn, scan *walScan, start, end LSN) error {
	begin, _, err := oldestWAL(ctx, conn, start)
	if err != nil {
		return err
	}
	if begin > scan.from {
		return fmt.Errorf("the WAL begins at %v, after %v: some of it was removed", begin, scan.from)
	}
	rows, err := conn.Query(ctx, `SELECT xid::text, start_lsn::text, resource_manager, record_type, coalesce(description, ''), coalesce(block_ref, '')
		FROM pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn) WHERE xid::text <> '0'`, begin.String(), end.String())
	if err != nil {
		return fmt.Errorf("ask pg_walinspect: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var xid, lsn, manager, kind, desc, blocks string
		if err := rows.Scan(&xid, &lsn, &manager, &kind, &desc, &blocks); err != nil {
			return fmt.Errorf("ask pg_walinspect: %w", err)
		}
		if err := scan.record(xid, lsn, manager, kind+" "+desc, blocks); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("ask pg_walinspect: %w", err)
	}
	return nil
}

// A walScan goes through WAL records in order and keeps the ledger's commits.
type walScan struct {
	relation string // tablespace/database/filenode
	from     LSN
	touched  map[string]bool // transactions that have touched the relation
	commits  []Commit
	before   *Commit // the last one before from
}

var (
	// Locks, pruning and the like touch pages in transactions that change nothing.
	rowChange = regexp.MustCompile(`^(INSERT|MULTI_INSERT|UPDATE|HOT_UPDATE|DELETE)\b`)
	dumpLine  = regexp.MustCompile(`^rmgr: (\S+)\s+len .*?, tx:\s*(\d+), lsn: ([0-9A-F]+/[0-9A-F]+), prev \S+, desc: (.*)`)
	subxacts  = regexp.MustCompile(`subxacts: ([\d ]+)`)
	commitAt  = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?( UTC|\+00)`)
)

// dumped takes one line of pg_waldump. Lines that are not records continue the
// line before and hold nothing we need.
func (s *walScan) dumped(line string) error {
	m := dumpLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
	if m == nil {
		return nil
	}
	return s.record(m[2], m[3], m[1], m[4], m[4])
}

func (s *walScan) record(xid, lsn, manager, desc, blocks string) error {
	if strings.HasPrefix(manager, "Heap") && rowChange.MatchString(desc) && strings.Contains(blocks, "rel "+s.relation+" ") {
		s.touched[xid] = true
		return nil
	}
	if manager != "Transaction" || !strings.HasPrefix(desc, "COMMIT") {
		return nil
	}
	at, err := ParseLSN(lsn)
	if err != nil {
		return err
	}
	mine := s.touched[xid]
	var subs []uint32
	if m := subxacts.FindStringSubmatch(desc); m != nil {
		for _, sub := range strings.Fields(m[1]) {
			mine = mine || s.touched[sub]
			if n, err := strconv.ParseUint(sub, 10, 32); err == nil {
				subs = append(subs, uint32(n))
			}
		}
	}
	if !mine {
		return nil
	}
	// "UTC" or, where the server has no name for it, "+00".
	stamp := strings.TrimSuffix(strings.TrimSuffix(commitAt.FindString(desc), " UTC"), "+00")
	when, err := time.Parse("2006-01-02 15:04:05", stamp) // takes a fraction too
	if err != nil {
		return fmt.Errorf("parse the time of commit %s in %q: %w", xid, desc, err)
	}
	var id uint32
	if _, err := fmt.Sscan(xid, &id); err != nil {
		return fmt.Errorf("parse transaction %q: %w", xid, err)
	}
	commit := Commit{XID: id, Subs: subs, LSN: at, At: when}
	if at < s.from {
		s.before = &commit
		return nil
	}
	s.commits = append(s.commits, commit)
	return nil
}
