package harness

import "context"

// LogReader is what a driver offers that can read the write-ahead log of a database that was left behind. What keeps it from that is an error that says so.
type LogReader interface {
	// LedgerCommits reads the log of the old primary from the point at which the new one left its timeline and reports the commits that
	// touched table (schema.name), and lists them by the ids of the rows they left there.
	LedgerCommits(ctx context.Context, old, promoted, table string) (WALReport, []WALCommit, error)
}

// OracleReader is what a driver offers when the database that was left behind can be examined after the drill.
type OracleReader interface {
	LogReader
	// StartAlone starts a fenced database with nobody attached and gives access to it; stop ends it again.
	StartAlone(ctx context.Context, component string) (a Access, stop func(context.Context) error, err error)
}

// WALReport is what the old primary's own log says of commits the new one never had.
type WALReport struct {
	Tool     string `json:"tool"` // pg_waldump or pg_walinspect
	ForkLSN  string `json:"fork_lsn"`
	Timeline int    `json:"timeline"`
	Commits  int    `json:"commits"` // ledger commits after the fork
	FirstAt  Stamp  `json:"first_at"`
	LastAt   Stamp  `json:"last_at"`
	BeforeAt Stamp  `json:"before_at"` // last ledger commit before the fork, if it is still in the log
	Table    string `json:"table"`     // whose rows are meant
	File     string `json:"file"`      // path in the pack of the list of these commits, "" if there is none
	Listed   int    `json:"listed"`    // lines of File: a commit has one for each of its rows, at least one
}

// WALCommit is one row that a commit in the old primary's log left in the ledger after the fork: one line of WALReport.File.
type WALCommit struct {
	ID  uint64 `json:"id"` // of the write attempt; 0: no row of this commit is there
	At  Stamp  `json:"at"` // of the commit, by the server's clock
	XID uint32 `json:"xid"`
	LSN string `json:"lsn"`
}
