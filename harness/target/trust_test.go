package target_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness/secret"
	"blackstart/harness/target"
)

// Files of certificates are files, and no larger than any is: nothing that is named holds a check up.
func TestCertificatesAreReadFromFiles(t *testing.T) {
	dir := t.TempDir()
	long, pipe := filepath.Join(dir, "long"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(long, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(long, 1<<40); err != nil {
		t.Skip(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{long: "more than 4194304 bytes", pipe: "is not a file", "/dev/zero": "is not a file", dir: "is not a file", dir + "/none": "no such file"} {
		for _, of := range []target.TLS{{Roots: path}, {Certificate: path}} {
			done := make(chan error, 1)
			go func() {
				_, err := of.Config("x", secret.Secret{})
				done <- err
			}()
			select {
			case err := <-done:
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %s", path, err, want)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s is read without end", path)
			}
		}
	}
}
