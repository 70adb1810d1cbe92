package pgdial

import (
	"crypto/tls"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostile is an environment in which libpq, and pgx with it, would go elsewhere, or nowhere.
func hostile(t *testing.T) []string {
	home := t.TempDir()
	for name, content := range map[string]string{
		".pgpass": "*:*:*:*:stolen\n", ".pg_service.conf": "[evil]\nhost=192.0.2.1\n",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"HOME=" + home, "PGHOST=db1,db2", "PGPORT=5432,5433", "PGUSER=evil", "PGPASSWORD=stolen", "PGDATABASE=evil",
		"PGSERVICE=missing", "PGSERVICEFILE=/nowhere", "PGSSLMODE=verify-full", "PGSSLROOTCERT=/nowhere", "PGSSLCERT=/nowhere",
		"PGTARGETSESSIONATTRS=read-write", "PGOPTIONS=-c default_transaction_read_only=on", "PGCONNECT_TIMEOUT=never",
		"PGAPPNAME=evil", "PGTZ=Asia/Kathmandu", "PGMINPROTOCOLVERSION=9", "PGSSLCERTMODE=", "PGREQUIREAUTH=none",
		"PGCHANNELBINDING=require", "PGPASSFILE=" + filepath.Join(home, ".pgpass"),
	}
}

// The environment is read when a program begins, so the test begins one.
func TestNoVariableReachesAConnection(t *testing.T) {
	if os.Getenv("PGDIAL_TEST_CHILD") == "" {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestNoVariableReachesAConnection$", "-test.v")
		cmd.Env = append(hostile(t), "PGDIAL_TEST_CHILD=1", "PATH="+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if os.Getenv("PGHOST") != "db1,db2" {
		t.Error("the environment of the program was changed for good")
	}
	secure := &tls.Config{ServerName: "x"} //nolint:gosec // nobody dials with it
	for _, to := range []Params{
		{Address: "127.0.0.1:5432", User: "u", Password: "p", Database: "d", Timeout: time.Second, Params: map[string]string{"timezone": "UTC"}},
		{Address: "/var/run:5432", User: "u"},
		{Address: "[::1]:1", TLS: secure},
	} {
		c, err := Config(to)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"application_name": Application}
		maps.Copy(want, to.Params)
		if c.User != to.User || c.Password != to.Password || c.Database != to.Database || c.ConnectTimeout != to.Timeout ||
			c.TLSConfig != to.TLS || len(c.Fallbacks) != 0 || !maps.Equal(c.RuntimeParams, want) || c.ValidateConnect != nil {
			t.Errorf("%+v became %+v, %v", to, c.Config, c.RuntimeParams)
		}
		if !strings.HasPrefix(to.Address, c.Host) && c.Host != "::1" {
			t.Errorf("%s became %s", to.Address, c.Host)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "host", "host:", "host:0", "host:65536", "host:port", "a:b:1"} {
		if _, err := Config(Params{Address: bad}); err == nil {
			t.Errorf("%q is an address", bad)
		}
	}
}
