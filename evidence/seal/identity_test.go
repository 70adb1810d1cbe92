package seal

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestRootsAsPeopleHaveThem reads certificates in the forms in which tools give them out.
func TestRootsAsPeopleHaveThem(t *testing.T) {
	fixture := fixtureIdentity()
	der := fixture.Root.Raw
	for name, c := range map[string]struct {
		data string
		n    int    // certificates
		want string // part of the error
	}{
		"PEM":             {string(fixture.RootPEM), 1, ""},
		"PEM with a BOM":  {"\xef\xbb\xbf" + string(fixture.RootPEM), 1, ""},
		"PEM with CRLF":   {strings.ReplaceAll(string(fixture.RootPEM), "\n", "\r\n"), 1, ""},
		"DER":             {string(der), 1, ""},
		"two in DER":      {string(der) + string(der), 2, ""},
		"DER, cut short":  {string(der[:len(der)-1]), 0, "neither in PEM nor in DER"},
		"nothing":         {"", 0, "no certificate in it"},
		"words":           {"no certificate", 0, "neither in PEM nor in DER"},
		"UTF-16":          {"\xff\xfe-\x00-\x00", 0, "save it as UTF-8"},
		"a key":           {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0, "it holds a PRIVATE KEY"},
		"a BOM and a key": {"\xef\xbb\xbf-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0, "it holds a PRIVATE KEY"},
	} {
		dir := t.TempDir()
		put(t, dir, "root", []byte(c.data))
		roots, err := LoadRoots(filepath.Join(dir, "root"))
		if len(roots) != c.n || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d certificates, %v", name, len(roots), err)
		}
	}
}

// TestTrustFilesAsPeopleHaveThem reads one with a byte order mark, and does not wait for one that nobody writes.
func TestTrustFilesAsPeopleHaveThem(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "root.pem", append([]byte("\xef\xbb\xbf"), fixtureIdentity().RootPEM...))
	text := `{"format":"blackstart.trust/1","anchors":[{"role":"executor","root_pem":"root.pem","spki_sha256":"",` +
		`"not_before":"2020-01-01T00:00:00Z","not_after":"2099-01-01T00:00:00Z","highest_class":"staging"}]}` + "\n"
	put(t, dir, "trust.json", []byte("\xef\xbb\xbf"+text))
	_, err := LoadTrust(filepath.Join(dir, "trust.json"))
	ok(t, err)
	put(t, dir, "twice.json", []byte("\xef\xbb\xbf\xef\xbb\xbf"+text))
	if _, err := LoadTrust(filepath.Join(dir, "twice.json")); err == nil {
		t.Error("two marks are loaded")
	}
	fifo := filepath.Join(dir, "fifo")
	ok(t, syscall.Mkfifo(fifo, 0o600))
	ended := make(chan error, 3)
	go func() { _, err := LoadTrust(fifo); ended <- err }()
	go func() { _, err := LoadRoots(fifo); ended <- err }()
	go func() { _, err := LoadIdentity(fifo); ended <- err }()
	for range 3 {
		select {
		case err := <-ended:
			if err == nil || !strings.Contains(err.Error(), "not a regular file") {
				t.Errorf("a FIFO: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it waits for a writer")
		}
	}
}
