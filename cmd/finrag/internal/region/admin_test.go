package region

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/pgtest"
)

const noDatabase = "postgres://finrag@127.0.0.1:1/finrag?sslmode=disable"

// startAdmin starts a region with an admin's token and releases that hold two programs: one that is no program of ours.
func startAdmin(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	put := func(path, text string, mode os.FileMode) string {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := put("admin.token", "admin-token\n", 0o600)
	put("releases/closed/finrag", "no program", 0o600)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "releases", "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "releases", "mine", program)); err != nil {
		t.Fatal(err)
	}
	return startRegion(t, "west", noDatabase, "admin: {tokenFile: "+token+"}\nreleases: {dir: "+filepath.Join(dir, "releases")+
		", state: "+filepath.Join(dir, "deployed")+"}")
}

// admin calls an admin endpoint and returns status and body.
func (r *rig) admin(t *testing.T, method, path, token, body string) (int, string) {
	t.Helper()
	q, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestWithoutATokenThereAreNoAdminEndpoints(t *testing.T) {
	r := startRegion(t, "west", noDatabase, "")
	r.awaitStatus(t, 200, "GET", "/version", "")
	for _, e := range [][2]string{{"POST", "/certificate/request"}, {"PUT", "/certificate"}, {"POST", "/deploy"}} {
		if status, _ := r.admin(t, e[0], e[1], "admin-token", "{}"); status != http.StatusNotFound {
			t.Errorf("%s %s: %d, want 404", e[0], e[1], status)
		}
	}
}

func TestAdminEndpoints(t *testing.T) {
	r := startAdmin(t)
	r.awaitStatus(t, 200, "GET", "/version", "")
	for _, test := range []struct {
		method, path, token, body string
		status                    int
		says                      string
	}{
		{"POST", "/certificate/request", "", "", 401, "bearer token"},
		{"PUT", "/certificate", "wrong", "", 401, "bearer token"},
		{"POST", "/deploy", "", `{"build":"mine"}`, 401, "bearer token"},
		{"PUT", "/certificate", "admin-token", "nonsense", 400, "check chain"},
		{"PUT", "/certificate", "admin-token", strings.Repeat("x", maxChainBytes+1), 400, "read body"},
		{"POST", "/deploy", "admin-token", `{"build":"none"}`, 404, "no build of that name"},
		{"POST", "/deploy", "admin-token", `{"build":"../releases/mine"}`, 404, "no build of that name"},
		{"POST", "/deploy", "admin-token", `{"build":"closed"}`, 404, "no build of that name"},
		{"POST", "/deploy", "admin-token", `{"release":"mine"}`, 400, "read body"},
		{"POST", "/deploy", "admin-token", `{"build":"mine"}`, 200, `{"build":"mine"}`},
	} {
		status, body := r.admin(t, test.method, test.path, test.token, test.body)
		if status != test.status || !strings.Contains(body, test.says) {
			t.Errorf("%s %s %.40q: %d %s; want %d with %q", test.method, test.path, test.body, status, body, test.status, test.says)
		}
	}
	if name, err := r.server.releases.chosen(); err != nil || name != "mine" {
		t.Errorf("kept release is %q, %v", name, err)
	}
}

// TestCertificateIsRequestedAndReplaced goes the way of a renewal, and tries chains that must not be taken.
func TestCertificateIsRequestedAndReplaced(t *testing.T) {
	r := startAdmin(t)
	r.awaitStatus(t, 200, "GET", "/version", "")
	status, request := r.admin(t, "POST", "/certificate/request", "admin-token", "")
	if status != 200 || strings.Contains(request, "PRIVATE") {
		t.Fatalf("request: %d\n%s", status, request)
	}
	for name, chain := range map[string]string{
		"of another key": r.ca.Sign(t, pgtest.NewRequest(t, serverName), 90, time.Now().Add(time.Hour)),
		"expired":        r.ca.Sign(t, request, 91, time.Now().Add(-time.Minute)),
	} {
		if status, body := r.admin(t, "PUT", "/certificate", "admin-token", chain); status != 400 {
			t.Errorf("a chain that is %s: %d %s, want 400", name, status, body)
		}
	}
	if status, body := r.admin(t, "PUT", "/certificate", "admin-token", r.ca.Sign(t, request, 92, time.Now().Add(time.Hour))); status != 204 {
		t.Fatalf("a good chain: %d %s", status, body)
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{RootCAs: r.ca.Pool, ServerName: serverName})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	leaf := conn.ConnectionState().PeerCertificates[0]
	if leaf.SerialNumber.Int64() != 92 || len(leaf.DNSNames) != 1 || leaf.DNSNames[0] != serverName {
		t.Errorf("served: serial %s for %v", leaf.SerialNumber, leaf.DNSNames)
	}
	if again, err := loadCertificate(r.server.cert.files); err != nil || again.detail(time.Now()).Serial != "5c" {
		t.Errorf("the chain is not on disk: %v", err)
	}
}
