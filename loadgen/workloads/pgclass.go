package workloads

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/loadgen"
)

// definiteClasses are the classes of SQLSTATE with which a server rejects a
// statement before its commit, when the severity is ERROR: the transaction was
// aborted and can never become visible. It is a closed list. What is not on it
// (57P01 and 57P02 above all, but also 08, 40003, 57014, 58 and XX) is unknown,
// and so is every FATAL and PANIC.
var definiteClasses = map[string]bool{
	"0A": true, // feature not supported
	"21": true, // cardinality violation
	"22": true, // data exception
	"23": true, // integrity constraint violation, 23505 among them
	"25": true, // invalid transaction state, 25006 (read-only) among them
	"26": true, // invalid statement name
	"28": true, // invalid authorization
	"34": true, // invalid cursor name
	"3D": true, // invalid catalog name
	"3F": true, // invalid schema name
	"42": true, // syntax error, missing table, insufficient privilege
	"44": true, // WITH CHECK OPTION violation
	"53": true, // insufficient resources: disk full, too many connections
	"54": true, // program limit exceeded
	"55": true, // object not in prerequisite state, lock not available
}

// definiteStates are single states outside those classes.
var definiteStates = map[string]bool{
	"40001": true, // serialization failure
	"40P01": true, // deadlock detected
}

// errNotReplicated says that a commit succeeded on the primary but was not
// confirmed by the standby it was to wait for.
var errNotReplicated = errors.New("commit was acknowledged with a warning")

// classifyWrite says what is known about an attempt that was handed to the
// server. warning is the text of a WARNING that came with it: an INSERT gives
// none of its own, so any of them (its words depend on the server's language)
// is taken as "canceling wait for synchronous replication".
func classifyWrite(err error, warning string) (Fate, error) {
	var pg *pgconn.PgError
	switch {
	case err == nil && warning != "":
		return Fate{loadgen.AttemptUnknown, loadgen.NotReplicated}, fmt.Errorf("%w: %s", errNotReplicated, warning)
	case err == nil:
		return Fate{loadgen.AttemptOK, loadgen.OK}, nil
	case errors.As(err, &pg):
		if pg.SeverityUnlocalized == "ERROR" && isDefinite(pg.Code) && warning == "" {
			return Fate{loadgen.AttemptDefinite, classifyPG(err)}, err
		}
	case pgconn.SafeToRetry(err):
		return Fate{loadgen.AttemptDefinite, classifyPG(err)}, err
	}
	return Fate{loadgen.AttemptUnknown, classifyPG(err)}, err
}

func isDefinite(code string) bool {
	return len(code) == 5 && (definiteClasses[code[:2]] || definiteStates[code])
}

// classifyPG says which outcome of a sample an error of the database is: states
// of the server's own trouble count as 5xx, refused statements as 4xx.
func classifyPG(err error) loadgen.Outcome {
	var pg *pgconn.PgError
	if err == nil {
		return loadgen.OK
	}
	if isReadOnly(err) {
		return loadgen.HTTP5xx // it serves no writes
	}
	if !errors.As(err, &pg) {
		if pgconn.Timeout(err) {
			return loadgen.Timeout
		}
		return classify(err)
	}
	if len(pg.Code) < 2 {
		return loadgen.Other
	}
	switch pg.Code[:2] {
	case "08", "53", "57", "58", "XX":
		return loadgen.HTTP5xx
	}
	return loadgen.HTTP4xx
}

// isReadOnly says that the server has become, or was all along, no primary: it refused a statement, or the look at it found
// that it takes no writes.
func isReadOnly(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, pgconn.ErrReadOnlyConnection) || (errors.As(err, &pg) && pg.Code == "25006")
}
