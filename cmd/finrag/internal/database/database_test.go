package database

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/cmd/finrag/internal/config"
)

func TestPasswordComesFromItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(config.Database{URL: "postgres://u@127.0.0.1/d", PasswordFile: file}, "name")
	if err != nil || c.Password != "s3cret" || c.RuntimeParams["application_name"] != "name" {
		t.Errorf("%v", err)
	}
	if _, err := Parse(config.Database{URL: "postgres://u@127.0.0.1/d", PasswordFile: file + ".none"}, "name"); err == nil {
		t.Error("a missing password file is accepted")
	}
	if _, err := Parse(config.Database{URL: "postgres://u@127.0.0.1:port/d?x=s3cret"}, "name"); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v: want one that does not show the URL", err)
	}
}

func TestOnlyAPlainNoIsRejected(t *testing.T) {
	for code, want := range map[string]bool{"25006": true, "23505": true, "40001": true, "42P01": true,
		"57P01": false, "57P02": false, "57014": false, "08006": false} {
		err := fmt.Errorf("write: %w", &pgconn.PgError{Code: code})
		if got := IsRejected(err); got != want {
			t.Errorf("%s: rejected is %t, want %t", code, got, want)
		}
		if IsReadOnly(err) != (code == "25006") || IsMissingTable(err) != (code == "42P01") {
			t.Errorf("%s is taken for another state", code)
		}
	}
	if IsRejected(errors.New("unexpected EOF")) {
		t.Error("a broken connection is taken for a no")
	}
}
