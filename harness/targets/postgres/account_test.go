package postgres

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// initdb refuses to work for an account without a name; that is said before anything starts, with what mends it.
func TestAnAccountWithoutAnEntryIsRefusedByName(t *testing.T) {
	if err := hasEntry(0); err != nil {
		t.Errorf("root: %v", err)
	}
	var known *Error
	if err := hasEntry(54321); !errors.As(err, &known) || !strings.Contains(err.Error(), "54321 has no entry in /etc/passwd") ||
		!strings.Contains(known.Hint, "drill:x:54321:") {
		t.Errorf("%v", err)
	}
}

func TestTheClosedDirectoryIsInTheHint(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs PostgreSQL as somebody else")
	}
	dir, err := os.MkdirTemp("/var/tmp", "closed-*")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	account, err := accountToRunAs()
	if err != nil {
		t.Fatal(err)
	}
	var known *Error
	if err := account.mkdir(t.Context(), dir+"/data"); !errors.As(err, &known) || !strings.Contains(known.Hint, "chmod o+x '"+dir+"'") {
		t.Errorf("%v", err)
	}
}

// What a file, a connection string or a list of directories could take for its own is escaped.
func TestQuotes(t *testing.T) {
	for _, c := range [][2]string{
		{quote(`a'b\c`), `'a''b\\c'`}, {quoteInfo(`a'b\c d`), `'a\'b\\c d'`}, {quoteDirectory(`a, "b"`), `"a, ""b"""`},
	} {
		if c[0] != c[1] {
			t.Errorf("%s, want %s", c[0], c[1])
		}
	}
}
