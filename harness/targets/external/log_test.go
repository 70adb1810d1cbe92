package external

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"blackstart/loadgen/workloads"
)

const firstOldOnly = 900

// onlyOld has the old primary take three writes that the new one never had, one of them in a savepoint, and one that is taken back.
func (r *rig) onlyOld() {
	r.t.Helper()
	insert := func(id int) string {
		return fmt.Sprintf("INSERT INTO %s (run, id, business_key, stream, amount) VALUES (gen_random_uuid(), %d, 1, 1, 1.00)", workloads.LedgerTable, id)
	}
	r.sql(r.east, insert(firstOldOnly), insert(firstOldOnly+1), "BEGIN; SAVEPOINT a; "+insert(firstOldOnly+2)+"; RELEASE a; COMMIT", "BEGIN; "+insert(firstOldOnly+3)+"; ROLLBACK",
		"UPDATE blackstart.heartbeat SET at = now()")
	conn := r.owner(r.west)
	for _, sql := range []string{insert(1), insert(2), "CHECKPOINT"} { // the new one goes on
		_, err := conn.Exec(r.t.Context(), sql)
		must(r.t, err)
	}
}

// logInPlace: what the log of the old primary tells is read by SQL, where it stands; whatever keeps the role from it is told, and nothing is read then.
func (r *rig) logInPlace(t *testing.T, d *Driver) {
	read := func() (n int, err error) {
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			report, commits, err := d.LedgerCommits(t.Context(), "east.db", "west.db", workloads.LedgerTable)
			if err == nil && (report.Tool != "pg_walinspect" || report.Timeline != 1 || report.Commits != 3 || len(commits) != 3 || commits[0].ID != firstOldOnly || commits[2].ID != firstOldOnly+2 || commits[0].At > commits[2].At) {
				t.Errorf("%+v, %+v", report, commits)
			}
			if err == nil || time.Now().After(end) || strings.Contains(err.Error(), "may not execute") || strings.Contains(err.Error(), "no extension") {
				return len(commits), err
			}
		}
	}
	const freely = "SET default_transaction_read_only = off"
	both := func(sql string) {
		t.Helper()
		r.sql(r.east, freely, sql)
		r.sql(r.west, sql)
	}
	grant := "GRANT EXECUTE ON FUNCTION pg_get_wal_records_info(pg_lsn, pg_lsn), pg_ls_waldir() TO watcher"
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { both("CREATE EXTENSION IF NOT EXISTS pg_walinspect") }, "not available: the log of the old primary: its role may not execute pg_get_wal_records_info(pg_lsn,pg_lsn)"},
		{func() { both(grant) }, ""},
		{func() { both("REVOKE EXECUTE ON FUNCTION pg_ls_waldir() FROM watcher") }, "its role may not execute pg_ls_waldir()"},
		{func() { both(grant) }, ""},
		{func() { r.sql(r.west, "DROP EXTENSION pg_walinspect") }, "not available: the log of the new primary: it has no extension pg_walinspect"},
	} {
		step.do()
		n, err := read()
		if (err == nil) != (step.want == "") || err != nil && (!strings.Contains(err.Error(), step.want) || n > 0) {
			t.Errorf("%d commits, %v; want %q", n, err, step.want)
		}
	}
	r.sql(r.east, freely, "CREATE ROLE app2 LOGIN", "ALTER ROLE app2 SET default_transaction_read_only = off")
	if _, _, err := d.LedgerCommits(t.Context(), "east.db", "west.db", workloads.LedgerTable); err == nil || !strings.Contains(err.Error(), "the log of east.db is not read: ") {
		t.Errorf("of one that takes writes: %v", err)
	}
	r.sql(r.east, freely, "DROP ROLE app2")
}
