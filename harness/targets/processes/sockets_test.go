package processes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSocketsGoWhereTheyCan(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "read-only") // as good as one that may not be written to, for root too
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.MkdirAll(long, 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := makeSockets([]string{missing, long, "/var/tmp"})
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o755 || filepath.Dir(dir) != "/var/tmp" || !ourSockets.MatchString(dir) {
		t.Errorf("%s, %v, %v", dir, info, err)
	}
	if os.Geteuid() == 0 { // another account runs the database: a directory of root's own is of no use
		private, err := os.MkdirTemp("/var/tmp", "private-*")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(private)
		if _, err := makeSockets([]string{private}); err == nil || !strings.Contains(err.Error(), private+" is closed") {
			t.Errorf("a private directory: %v", err)
		}
		if left, _ := os.ReadDir(private); len(left) != 0 {
			t.Errorf("%v is left in it", left)
		}
	}
	if _, err := makeSockets([]string{missing}); err == nil || !strings.Contains(err.Error(), "directory of the sockets") {
		t.Errorf("nowhere: %v", err)
	}
}

// What is no directory of ours is not removed, whatever a file says.
func TestOnlyOurSocketsAreRemoved(t *testing.T) {
	for path, ours := range map[string]bool{
		"/tmp/blackstart-123": true, "/var/tmp/x/blackstart-1": true, "/blackstart-9": true,
		"/tmp/blackstart-": false, "/tmp/blackstart-x": false, "tmp/blackstart-1": false, "/tmp/blackstart-1/..": false, "/": false, "/etc": false,
	} {
		if got := ourSockets.MatchString(path); got != ours {
			t.Errorf("%s: %v", path, got)
		}
	}
}
