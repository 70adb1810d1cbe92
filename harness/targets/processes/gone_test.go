package processes

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
)

// TestFenceOfWhatIsGone: a database without its data directory is gone, for the fence and for a start; one with it is not.
func TestFenceOfWhatIsGone(t *testing.T) {
	here, gone := &postgres.Cluster{Dir: t.TempDir()}, &postgres.Cluster{Dir: t.TempDir()}
	if err := os.Mkdir(here.DataDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	r := &rehearsal{clusters: map[string]*postgres.Cluster{"east.db": gone, "west.db": here}}
	if err := r.Fence(context.Background(), []string{"west.db"}); err != nil {
		t.Errorf("a database that is down and there: %v", err)
	}
	for what, err := range map[string]error{
		"fence": r.Fence(context.Background(), []string{"east.db", "west.db"}),
		"start": r.StartAgain(context.Background(), "east.db"),
	} {
		found, rest := harness.Gone(err)
		if len(found) != 1 || len(rest) > 0 || !strings.Contains(found[0].Error(), "east.db is gone: its process does not run and its data directory") {
			t.Errorf("%s: gone %v, rest %v", what, found, rest)
		}
	}
}

// TestDescribeFound says only what was found.
func TestDescribeFound(t *testing.T) {
	for _, c := range []struct {
		ended []string
		links int
		err   error
		want  string
	}{
		{nil, 0, nil, "no process of the rehearsal target was found; no link is on record that could be asked"},
		{nil, 3, nil, "no process of the rehearsal target was found; 3 links were asked, and each refuses connections"},
		{[]string{"west.db"}, 3, errors.New("link a does not refuse"), "of the rehearsal target still ran, and was ended: west.db; link a does not refuse"},
	} {
		if got := describeFound(c.ended, c.links, c.err); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
