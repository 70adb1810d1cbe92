package register

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestReconcile: each way in which a list and a population may differ, and the one in which they agree.
func TestReconcile(t *testing.T) {
	d, key := newStore(t)
	l := open(t, d)
	fill(t, l, key, 8) // runs 0, 2, 4, 6, of the days 1, 3, 5 and 7
	from, to := moment(1), moment(5).Add(time.Hour)
	late := to.Format(time.RFC3339)
	for _, c := range []struct {
		name, csv, at string
		total         int
		want          []string
		matched       int
	}{
		{"they agree", "run,by\nrun-2,x\nrun-4,y\n", late, 2, nil, 2},
		{"opened before the period", "id,run\n1,run-2\n2,run-4\n3,run-0\n", late, -1, nil, 2},
		{"a run twice", "run\nrun-2\nrun-4\nrun-4\nrun-4\n", late, 4, nil, 2},
		{"off the register", "run\nrun-2\nrun-4\nrun-5\n", late, 3, []string{"1 runs are in the list and were never opened in the register, the first is run-5"}, 2},
		{"not in the list", "run\nrun-4\n", late, 1, []string{"1 runs of the population are not in the list, the first is run-2"}, 1},
		{"a row that names none", "run,by\nrun-2,x\nrun-4,x\n,y\n", late, 3, []string{"1 rows of the list name no run"}, 2},
		{"rows were lost", "run\nrun-2\nrun-4\n", late, 3, []string{"the list has 2 rows, its source counts 3"}, 2},
		{"extracted too early", "run\nrun-2\nrun-4\n", moment(4).Format(time.RFC3339), 2, []string{"before the end of the period"}, 2},
		{"an empty list", "run\n", late, 0, []string{"2 runs of the population are not in the list"}, 0},
	} {
		p, err := l.Population(l.Size(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ReadExtract([]byte("\ufeff"+c.csv), "run", Extract{Source: "CI", By: "A. Auditor", At: c.at, ControlTotal: c.total})
		if err != nil {
			t.Fatal(err)
		}
		l.Reconcile(&p, e)
		r := p.Reconciled
		if r.Matched != c.matched || len(r.Exceptions) != len(c.want) || len(c.want) > 0 && !strings.Contains(r.Exceptions[0], c.want[0]) {
			t.Errorf("%s: %d matched, %q", c.name, r.Matched, r.Exceptions)
		}
		if strings.HasPrefix(p.Completeness, "reconciled to a list from CI, extracted by A. Auditor") != (len(c.want) == 0) || p.Completeness == NotTested {
			t.Errorf("%s: %s", c.name, p.Completeness)
		}
	}
}

func TestReadExtractRefuses(t *testing.T) {
	for data, want := range map[string]string{"": "header", "id,by\n1,x\n": `one column must be called "run"`, "run,run\n1,2\n": "one column", "run\nrun-1\na b\n": `line 3: "a b" is no run id`,
		"run,by\nrun-1\n": "wrong number of fields", "run\n\xff\n": "no UTF-8", "run\n\"x\n": "quote"} {
		if e, err := ReadExtract([]byte(data), "run", Extract{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v %v", data, fmt.Sprint(e), err)
		}
	}
}
