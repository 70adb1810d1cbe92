package probes

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

const queryName = "sql.query"

var _ = Probes.Add(registry.Kind[Factory]{
	Name: queryName,
	Doc: "Asks a database for one value, in a read-only transaction that is taken back: one row of one column, a number, a truth or a moment. No row, " +
		"more than one, and NULL are not OK.",
	Example: "{id: unsettled, probe: sql.query, on: east.db, every: 5s, with: {query: SELECT count(*) FROM orders WHERE NOT settled}}",
	New:     func() Factory { return &queryFactory{} },
})

type queryFactory struct{ with queryWith }

type queryWith struct {
	Query string `yaml:"query" need:"yes" doc:"one statement that begins with SELECT, WITH, VALUES, TABLE or SHOW"`
	Unit  string `yaml:"unit" one:"count|bytes|seconds|milliseconds|share|age" doc:"what the value is; count if not written. A share is 0 to 1; an age is counted from the moment that is answered"`
}

// With implements registry.Parametrised.
func (f *queryFactory) With() any { return &f.with }

// Every is the pace of questions.
func (*queryFactory) Every() time.Duration { return time.Second }

// Traits: it is asked of a database.
func (f *queryFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Speaks: postgresKind, Fastest: 100 * time.Millisecond, Unit: traitUnit(f.with.Unit)}
}

// readsOnly is how a statement begins that reads; the transaction holds the rest to it.
var readsOnly = regexp.MustCompile(`(?i)^[\s(]*(select|with|values|table|show)\b`)

// Wrong implements Judge.
func (f *queryFactory) Wrong() (key, wrong, hint string) {
	if !readsOnly.MatchString(f.with.Query) {
		return "query", "may do more than read", "begin it with SELECT, WITH, VALUES, TABLE or SHOW"
	}
	return "", "", ""
}

// Open prepares a connection, which is made with the first question.
func (f *queryFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	db, err := readOnly(config)
	if err != nil {
		return nil, err
	}
	if _, wrong, _ := f.Wrong(); wrong != "" {
		return nil, errors.New("its query " + wrong)
	}
	ask := func(ctx context.Context) (reply, error) {
		var text string
		err := db.read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
			text, err = oneValue(ctx, tx, f.with.Query)
			return err
		})
		if err != nil {
			return reply{}, err
		}
		value, err := number(text, f.with.Unit, config.Clock.Now().Time())
		if err != nil {
			return reply{}, no(err)
		}
		return reply{value, ""}, nil
	}
	return &asking{clock: config.Clock, kind: queryName, on: db.component, unit: traitUnit(f.with.Unit), ask: ask, end: db.close}, nil
}

// oneValue reads the one value of an answer as text.
func oneValue(ctx context.Context, tx pgx.Tx, query string) (string, error) {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if !rows.Next() {
		if rows.Err() != nil {
			return "", rows.Err()
		}
		return "", no(errors.New("there is no row"))
	}
	values, err := rows.Values()
	switch {
	case err != nil:
		return "", no(err)
	case len(values) != 1:
		return "", no(fmt.Errorf("a row has %d columns, not one", len(values)))
	case values[0] == nil:
		return "", no(errors.New("the value is NULL"))
	}
	text, err := asText(values[0], rows.RawValues()[0])
	if err != nil {
		return "", err
	}
	if rows.Next() {
		return "", no(errors.New("there is more than one row"))
	}
	return text, rows.Err()
}

// asText writes a value as a number, a truth or a moment is written.
func asText(v any, raw []byte) (string, error) {
	switch v := v.(type) {
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	case bool, int16, int32, int64, string:
		return fmt.Sprint(v), nil
	case float32:
		return strconv.FormatFloat(float64(v), 'f', -1, 32), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case interface{ MarshalJSON() ([]byte, error) }: // numeric
		b, err := v.MarshalJSON()
		return string(b), err
	}
	return "", no(fmt.Errorf("a value of %d bytes is neither a number nor a truth nor a moment", len(raw)))
}
