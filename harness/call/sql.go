package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Calls.Add(registry.Kind[Kind]{
	Name: "sql",
	Doc: "Runs one statement on a PostgreSQL component, with the role that the file has for it. What it says is a JSON list of its rows, each an " +
		"object of texts by column. An error of the server is refused; one that may hide a commit, and no answer in time, unknown. One that reads " +
		"begins with SELECT, WITH, VALUES, TABLE or SHOW, and runs in a read-only transaction that is taken back.",
	Example: "{name: unsettled, call: sql, reads: true, timeout: 5s, fields: {n: /0/n}, with: {on: east.db, statement: SELECT count(*) AS n FROM orders WHERE NOT settled}}",
	New:     func() Kind { return &sqlCall{} },
})

type sqlCall struct{ with sqlWith }

type sqlWith struct {
	On        string `yaml:"on" need:"yes" doc:"the component"`
	Statement string `yaml:"statement" need:"yes" doc:"one statement"`
}

// maxRows bounds the rows of one answer.
const maxRows = 1000

// reading is how a statement begins that a read-only transaction holds back from all but what its functions do. Others, such as
// REINDEX, ANALYZE, LOCK, NOTIFY or COPY TO PROGRAM, act in one.
var reading = regexp.MustCompile(`(?i)^[\s(]*(select|with|values|table|show)\b`)

// Wrong implements target.Judge.
func (w sqlWith) Wrong(t *target.Target, reads bool) (key, wrong, hint string) {
	c, ok := t.ComponentByName(w.On)
	k, _ := component.Kinds.Get(c.Kind)
	if !ok {
		return "on", fmt.Sprintf("is %q, and there is no such component", w.On), "name a component of kind postgres"
	}
	if k.New == nil {
		return "", "", "" // its kind is reported by itself
	}
	if _, ok := k.New().(*component.Postgres); !ok {
		return "on", "is no database", "name a component of kind postgres"
	}
	if reads && !reading.MatchString(w.Statement) {
		return "statement", "may do more than read", "begin it with SELECT, WITH, VALUES, TABLE or SHOW, or leave reads out"
	}
	return "", "", ""
}

// With implements registry.Parametrised.
func (s *sqlCall) With() any { return &s.with }

// Asks implements Asking.
func (s *sqlCall) Asks() string { return s.with.On }

func (s *sqlCall) Call(ctx context.Context, around Around, reads bool) Said {
	c, err := around.Database(ctx, s.with.On)
	if err != nil {
		return unsent(err)
	}
	defer component.Close(ctx, c)
	rows, more, err := s.run(ctx, c, reads)
	if err != nil {
		return failed(err)
	}
	out, err := json.Marshal(rows)
	if err != nil {
		return over(err.Error())
	}
	if len(out) > MaxOutput {
		out, more = out[:MaxOutput], true
	}
	return Said{Outcome: Done, Output: out, Over: more}
}

// run runs the statement in a transaction of its own. One that reads is not committed: what waits for a commit, such as a NOTIFY of a
// function, goes with the transaction. Whatever is not committed ends with the connection, which nobody has to wait for.
func (s *sqlCall) run(ctx context.Context, c *pgx.Conn, reads bool) (rows []map[string]any, more bool, err error) {
	mode := pgx.ReadWrite
	if reads {
		mode = pgx.ReadOnly
	}
	tx, err := c.BeginTx(ctx, pgx.TxOptions{AccessMode: mode})
	if err != nil {
		return nil, false, err
	}
	if rows, more, err = query(ctx, tx, s.with.Statement, reads); err == nil && !reads {
		err = tx.Commit(ctx)
	}
	return rows, more, err
}

// query keeps the rows of one statement, at most maxRows of them and MaxOutput bytes. What is more is not kept; of a statement that
// reads it is not even waited for, and the connection ends.
func query(ctx context.Context, tx pgx.Tx, statement string, reads bool) (all []map[string]any, more bool, err error) {
	rows, err := tx.Query(ctx, statement, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	all = []map[string]any{}
	for size := 0; rows.Next(); {
		for _, raw := range rows.RawValues() {
			size += len(raw)
		}
		if len(all) == maxRows || size > MaxOutput {
			more = true
			if reads {
				return all, more, tx.Conn().Close(ctx)
			}
			continue
		}
		row := map[string]any{}
		for i, raw := range rows.RawValues() {
			row[rows.FieldDescriptions()[i].Name] = nil
			if raw != nil {
				row[rows.FieldDescriptions()[i].Name] = string(raw)
			}
		}
		all = append(all, row)
	}
	return all, more, rows.Err()
}

// failed tells a statement that the server took back from one of which nobody knows.
func failed(err error) Said {
	var said *pgconn.PgError
	switch {
	case errors.As(err, &said) && certain(said.Code):
		return Said{Outcome: Refused, Why: said.Error(), Answered: true}
	case pgconn.SafeToRetry(err):
		return unsent(component.Answered(err))
	case errors.Is(err, context.DeadlineExceeded):
		return over("no answer in time")
	}
	return over(err.Error())
}

// certain tells whether an SQLSTATE says that the transaction is gone: not where the server goes away while it may be committing
// (57P), the connection breaks (08), or the commit itself cannot be told (40003).
func certain(code string) bool {
	return code != "40003" && !strings.HasPrefix(code, "08") && !strings.HasPrefix(code, "57P")
}

// Reach asks the server for its plan of the statement, in a read-only transaction that ends with the connection: it is parsed, and the
// role's rights are checked, and it does not run.
func (s *sqlCall) Reach(ctx context.Context, around Around) (string, error) {
	c, err := around.Database(ctx, s.with.On)
	if err != nil {
		return "", err
	}
	defer component.Close(ctx, c)
	tx, err := c.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return "", component.Answered(err)
	}
	if _, err := tx.Prepare(ctx, "", s.with.Statement); err != nil {
		return "", component.Answered(err)
	}
	var said *pgconn.PgError
	_, err = tx.Exec(ctx, "EXPLAIN "+s.with.Statement)
	if errors.As(err, &said) && said.Code == "42601" { // a syntax error of EXPLAIN alone: the statement itself was just parsed
		return "", errors.New("the server understands it, and whether the role may run it is not known before it does")
	}
	return "the server understands it, and the role may run it", component.Answered(err)
}
