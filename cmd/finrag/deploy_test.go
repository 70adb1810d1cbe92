package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/pgtest"
)

// deployRig is a region as a process of its own, with two builds it may run.
type deployRig struct {
	dir, url string
	args     []string
	client   *http.Client
	process  *exec.Cmd
	log      bytes.Buffer
}

func newDeployRig(t *testing.T) *deployRig {
	t.Helper()
	r := &deployRig{dir: t.TempDir()}
	pgtest.Releases(t, filepath.Join(r.dir, "releases"))
	ca := pgtest.NewAuthority(t, r.dir)
	ca.Issue(t, filepath.Join(r.dir, "a.crt"), filepath.Join(r.dir, "a.key"), "api.finrag.test", 1, time.Now().Add(time.Hour))
	address := fmt.Sprintf("127.0.0.1:%d", pgtest.FreePort(t))
	r.url = "https://" + address
	text := fmt.Sprintf("region: west\nlisten: %s\ntls: {certificate: a.crt, key: a.key}\ndatabase: {url: %q}\nvector: {syncInterval: 50ms}\n"+
		"seed: {documents: 30}\nadmin: {tokenFile: token}\nreleases: {dir: releases, state: deployed}\n", address, pgtest.Primary(t).URL)
	for name, content := range map[string]string{"region.yaml": text, "token": "admin-token"} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.args = []string{"region", "--config", filepath.Join(r.dir, "region.yaml")}
	r.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: ca.Pool, ServerName: "api.finrag.test"}}}
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("the region's log:\n%s", r.log.String())
		}
	})
	return r
}

func (r *deployRig) start(t *testing.T, release string, env ...string) {
	t.Helper()
	r.process = exec.Command(filepath.Join(r.dir, "releases", release, "finrag"), r.args...)
	r.process.Env = append(os.Environ(), env...)
	r.process.Stderr = &r.log
	r.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.process.Start(); err != nil {
		t.Fatal(err)
	}
}

func (r *deployRig) stop() {
	if r.process != nil {
		r.process.Process.Signal(syscall.SIGTERM)
		r.process.Wait()
		r.process = nil
	}
}

func (r *deployRig) call(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	q, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer admin-token")
	res, err := r.client.Do(q)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	var v map[string]any
	json.NewDecoder(res.Body).Decode(&v)
	return res.StatusCode, v
}

// expect waits until the region is a build with its rule, and gives that rule's answer to a known question.
func (r *deployRig) expect(t *testing.T, build, ranking, first string) {
	t.Helper()
	pgtest.Eventually(t, "build "+build+" answers "+first, func() bool {
		_, version := r.call(t, "GET", "/version", "")
		_, answer := r.call(t, "POST", "/query", `{"namespace":"research","text":"Which rating do Juniper Water bonds have?","k":1}`)
		results, _ := answer["results"].([]any)
		return version["build"] == build && version["ranking"] == ranking && len(results) == 1 && results[0].(map[string]any)["id"] == first
	})
}

func TestDeployReplacesTheProcessAndSurvivesARestart(t *testing.T) {
	r := newDeployRig(t)
	current := func() { t.Helper(); r.expect(t, pgtest.BuildCurrent, "2", "known-rating-change") }
	previous := func() { t.Helper(); r.expect(t, pgtest.BuildPrevious, "1", "known-rating-initiation") }
	deploy := func(name string, want int) {
		t.Helper()
		if status, v := r.call(t, "POST", "/deploy", `{"build":"`+name+`"}`); status != want || v["build"] != name {
			t.Fatalf("deploy %s: %d %v, want %d", name, status, v, want)
		}
	}
	r.start(t, "current")
	current()
	pid := r.process.Process.Pid
	deploy("current", http.StatusOK)
	deploy("previous", http.StatusAccepted)
	previous()
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("process %d is gone: %v", pid, err)
	}
	deploy("previous", http.StatusOK)
	r.stop()

	r.start(t, "current") // whoever starts it knows nothing of the deployment
	previous()
	deploy("current", http.StatusAccepted)
	current()
	r.stop()

	r.start(t, "previous")
	current()
	r.stop()
	if got := strings.Count(r.log.String(), "build is replaced, the process stays"); got != 2 {
		t.Errorf("the log tells of %d replacements, want 2", got)
	}
}

func TestARegionThatCannotGoOnAsDeployedServesAndSaysSo(t *testing.T) {
	r := newDeployRig(t)
	state := filepath.Join(r.dir, "deployed")
	for name, test := range map[string]struct{ state, env, says string }{
		"no such release": {"gone", "", "deployed release not started"},
		"nonsense":        {"../x", "", "deployed release not known"},
		"it would go on":  {"previous", "FINRAG_REPLACED_BY=previous", "deployed release is not the build"},
	} {
		if err := os.WriteFile(state, []byte(test.state), 0o600); err != nil {
			t.Fatal(err)
		}
		r.log.Reset()
		r.start(t, "current", test.env)
		r.expect(t, pgtest.BuildCurrent, "2", "known-rating-change")
		r.stop()
		if !strings.Contains(r.log.String(), test.says) {
			t.Errorf("%s: the log lacks %q:\n%s", name, test.says, r.log.String())
		}
	}
}
