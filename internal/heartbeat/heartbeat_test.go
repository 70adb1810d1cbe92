package heartbeat

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// What it writes is tested against real databases by the probes and the checks.
func TestMissing(t *testing.T) {
	for code, want := range map[string]bool{"42P01": true, "3F000": true, "42703": false, "25006": false} {
		if got := Missing(fmt.Errorf("read: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("%s: %t", code, got)
		}
	}
	if Missing(nil) || Missing(errors.New("42P01")) {
		t.Error("what is no answer of a server says that the table is missing")
	}
}
