package procs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness/targets/procs"
)

// A child sees what it needs to run, and nothing that could redirect it.
func TestAChildInheritsOnlyWhatIsListed(t *testing.T) {
	for _, name := range []string{"PGHOST", "PGSERVICE", "PGOPTIONS", "http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "LD_PRELOAD",
		"HOME", "DOCKER_HOST", "AWS_SECRET_ACCESS_KEY", "GODEBUG", "SSL_CERT_FILE", "LANG", "LC_MESSAGES", "BLACKSTART_STATE"} {
		t.Setenv(name, "planted")
	}
	t.Setenv("TZ", "Pacific/Chatham")
	t.Setenv("LC_ALL", "tr_TR.UTF-8")
	dir := t.TempDir()
	table, err := procs.NewTable(dir)
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	p, err := table.Start(procs.Spec{Name: "child", Argv: []string{"/usr/bin/env"}, Dir: dir, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(out); strings.Contains(text, "planted") || !strings.Contains(text, "TZ=UTC\n") ||
		!strings.Contains(text, "LC_ALL=C\n") || !strings.Contains(text, "PATH="+os.Getenv("PATH")) {
		t.Errorf("the child got\n%s", text)
	}
	if got := strings.Join(procs.Env("A=b"), "\n"); !strings.HasSuffix(got, "\nA=b") || strings.Contains(got, "planted") {
		t.Errorf("the environment is\n%s", got)
	}
}
