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

// What reads the WAL.
const (
	waldump         = "pg_waldump"
	walinspect      = "pg_walinspect" // an extension
	walinspectMajor = 15              // its first version
)

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
	Reader  string // waldump or walinspect
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

// A walReader hands every record of a server's WAL on one timeline, from begin to end and in order, to a scan.
type walReader func(ctx context.Context, scan *walScan, timeline uint32, begin, end LSN) error

// LedgerCommits reads the WAL of the running cluster from the fork to its end and
// returns the commits that touched the relation (its name, perhaps with a
// schema) in Database, with the ids of their rows: column id. Others, of
// heartbeats and audit rows, are left out.
func (c *Cluster) LedgerCommits(ctx context.Context, relation string, from LSN) (WALCommits, error) {
	conn, err := c.Connect(ctx)
	if err != nil {
		return WALCommits{}, fmt.Errorf("read the WAL of cluster %s: %w", c.Name, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tool, read, err := c.walReader(conn)
	if err != nil {
		return WALCommits{}, fmt.Errorf("read the WAL of cluster %s: %w", c.Name, err)
	}
	r, err := ledgerCommits(ctx, conn, tool, read, relation, from)
	if err != nil {
		return WALCommits{}, fmt.Errorf("read the WAL of cluster %s: %w", c.Name, err)
	}
	return r, nil
}

// walReader chooses by which tool the WAL can be read.
func (c *Cluster) walReader(conn *pgx.Conn) (string, walReader, error) {
	switch {
	case c.Install.has(waldump):
		return waldump, dumped(c.dump), nil
	case c.Install.Major >= walinspectMajor:
		return walinspect, inspected(conn), nil
	}
	return "", nil, ErrNoWALReader
}

// ledgerCommits reads the WAL of the server that conn leads to, wherever it runs.
func ledgerCommits(ctx context.Context, conn *pgx.Conn, tool string, read walReader, relation string, from LSN) (WALCommits, error) {
	scan := &walScan{from: from, touched: map[string]bool{}}
	var end string
	err := conn.QueryRow(ctx, `SELECT pg_current_wal_flush_lsn()::text,
		(SELECT CASE WHEN c.reltablespace = 0 THEN d.dattablespace ELSE c.reltablespace END || '/' || d.oid || '/' || pg_relation_filenode(c.oid)
		 FROM pg_class c, pg_database d WHERE c.oid = $1::text::regclass AND d.datname = current_database())`,
		relation).Scan(&end, &scan.relation)
	if err != nil {
		return WALCommits{}, fmt.Errorf("locate %s: %w", relation, err)
	}
	to, err := ParseLSN(end)
	if err != nil {
		return WALCommits{}, err
	}
	if to <= from {
		return WALCommits{Reader: tool, From: from, To: from}, nil // nothing was written after the fork
	}
	begin, timeline, err := walBegin(ctx, conn, from)
	if err != nil {
		return WALCommits{}, err
	}
	if err := read(ctx, scan, timeline, begin, to); err != nil {
		return WALCommits{}, err
	}
	if err := identify(ctx, conn, relation, scan.commits); err != nil {
		return WALCommits{}, err
	}
	return WALCommits{Reader: tool, From: from, To: to, Commits: scan.commits, Before: scan.before}, nil
}

// lookBehind is how far before the fork a transaction may have begun, in bytes.
const lookBehind = LSN(8 << 20)

// walBegin finds where to begin to read, and the timeline. A transaction may have touched the ledger before the fork and
// committed after it: its first records stand a little earlier. A segment that was ended early, as a base backup does, is
// empty behind that point, and no record to begin with is found there: its first page always has one.
func walBegin(ctx context.Context, conn *pgx.Conn, from LSN) (begin LSN, timeline uint32, err error) {
	oldest, segment, timeline, err := walKept(ctx, conn)
	if err != nil {
		return 0, 0, err
	}
	start := from - min(from, lookBehind)
	begin = max(start-start%segment, oldest)
	if begin > from {
		return 0, 0, fmt.Errorf("the WAL begins at %v, after %v: some of it was removed", begin, from)
	}
	return begin, timeline, nil
}

// walKept finds where the log that a server keeps begins, how long its segments are, and its timeline.
func walKept(ctx context.Context, conn *pgx.Conn) (oldest, segment LSN, timeline uint32, err error) {
	var name string
	var size uint64
	err = conn.QueryRow(ctx, `SELECT min(name), (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
		(SELECT timeline_id FROM pg_control_checkpoint()) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'`).Scan(&name, &size, &timeline)
	if err != nil {
		return 0, 0, 0, fmt.Errorf("list the WAL: %w", err)
	}
	var hi, lo uint32
	if _, err := fmt.Sscanf(name[8:], "%08X%08X", &hi, &lo); err != nil {
		return 0, 0, 0, fmt.Errorf("parse WAL file %s: %w", name, err)
	}
	return LSN(uint64(hi)<<32 + uint64(lo)*size), LSN(max(size, 1)), timeline, nil
}

// A Dump runs pg_waldump where the server's WAL is, on one timeline from begin to end, and returns what it printed.
type Dump func(ctx context.Context, timeline uint32, begin, end LSN) ([]byte, error)

// RemoteLedgerCommits reads the WAL of a server that runs elsewhere, as Cluster.LedgerCommits does: conn leads to its
// Database, dump to its WAL.
func RemoteLedgerCommits(ctx context.Context, conn *pgx.Conn, dump Dump, relation string, from LSN) (WALCommits, error) {
	return ledgerCommits(ctx, conn, waldump, dumped(dump), relation, from)
}

// dump is the Dump of a cluster on this machine.
func (c *Cluster) dump(ctx context.Context, timeline uint32, begin, end LSN) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := c.Install.Account.command(ctx, c.Install.program(waldump), "-p", c.DataDir()+"/pg_wal",
		"-t", fmt.Sprint(timeline), "-s", begin.String(), "-e", end.String())
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := procs.RunTied(cmd); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return out.Bytes(), nil
}

// dumped reads what a dump prints.
func dumped(dump Dump) walReader {
	return func(ctx context.Context, scan *walScan, timeline uint32, begin, end LSN) error {
		out, err := dump(ctx, timeline, begin, end)
		if err != nil {
			return fmt.Errorf("run pg_waldump: %w", err)
		}
		for line := range bytes.Lines(out) {
			if err := scan.dumped(string(line)); err != nil {
				return err
			}
		}
		return nil
	}
}

// inspected asks the server itself, which reads its present timeline.
func inspected(conn *pgx.Conn) walReader {
	return func(ctx context.Context, scan *walScan, _ uint32, begin, end LSN) error {
		rows, err := conn.Query(ctx, `SELECT xid::text, start_lsn::text, resource_manager, record_type, coalesce(description, ''), coalesce(block_ref, '')
			FROM pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn) WHERE xid::text <> '0'`, begin.String(), end.String())
		if err != nil {
			return fmt.Errorf("ask pg_walinspect: %w", err)
		}
		var xid, lsn, manager, kind, desc, blocks string
		_, err = pgx.ForEachRow(rows, []any{&xid, &lsn, &manager, &kind, &desc, &blocks}, func() error {
			return scan.record(xid, lsn, manager, kind+" "+desc, blocks)
		})
		if err != nil {
			return fmt.Errorf("ask pg_walinspect: %w", err)
		}
		return nil
	}
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
