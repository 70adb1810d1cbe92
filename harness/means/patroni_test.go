package means

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var _ = addGround("a Patroni cluster", "patroni", patroniGround)

// patroniGround is a real Patroni of one member with a real etcd, whose REST API wants a password for what changes something.
func patroniGround(t *testing.T) ground {
	t.Helper()
	needs(t, "patroni", "etcd", "curl", "su", "busybox", "dash")
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 || os.Geteuid() != 0 {
		needs(t, "a PostgreSQL server, and root to run it as its own account")
	}
	dir, err := os.MkdirTemp("/tmp", "means")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, exec.Command("chown", "postgres:", dir).Run())
	ports := freePorts(t, 4)
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", ports[0]), fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	stays(t, dir+"/etcd.log", "etcd", "--name", "a", "--data-dir", dir+"/etcd", "--enable-grpc-gateway", "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "a="+peer, "--unsafe-no-fsync")
	config := fmt.Sprintf(`scope: drill
name: a
restapi: {listen: "127.0.0.1:%d", connect_address: "127.0.0.1:%d", authentication: {username: drill, password: pl4nted}}
etcd3: {host: "127.0.0.1:%d"}
bootstrap: {dcs: {ttl: 20, loop_wait: 1, retry_timeout: 3}, initdb: [encoding: UTF8]}
postgresql:
  listen: "127.0.0.1:%d"
  connect_address: "127.0.0.1:%d"
  data_dir: %s/data
  bin_dir: %s
  authentication: {superuser: {username: postgres, password: p}, replication: {username: r, password: p}}
  parameters: {unix_socket_directories: %s, fsync: "off"}
`, ports[2], ports[2], ports[0], ports[3], ports[3], dir, found[len(found)-1], dir)
	must(t, os.WriteFile(dir+"/patroni.yml", []byte(config), 0o644))
	netrc := dir + "/netrc it's"
	must(t, os.WriteFile(netrc, []byte("machine 127.0.0.1 login drill password pl4nted\n"), 0o600))
	stays(t, dir+"/patroni.log", "su", "-s", "/bin/sh", "postgres", "-c", "exec patroni "+dir+"/patroni.yml")
	api := fmt.Sprintf("http://127.0.0.1:%d", ports[2])
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if members, paused, err := clusterOf(t.Context(), api); err == nil && members == 1 && !paused {
			break
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(dir + "/patroni.log")
			t.Fatalf("Patroni has no leader: %s", log)
		}
	}
	curl, err := exec.LookPath("curl")
	must(t, err)
	return ground{with: map[string]any{"url": api, "netrc": netrc}, programs: []string{curl}, broken: func(ctx context.Context) bool {
		_, paused, err := clusterOf(ctx, api)
		return err == nil && paused
	}}
}

// stays runs a program until the end of the test.
func stays(t *testing.T, log string, argv ...string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	f, err := os.Create(log)
	must(t, err)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = f, f, &syscall.SysProcAttr{Setpgid: true}
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		ended := time.AfterFunc(20*time.Second, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		_ = cmd.Wait()
		ended.Stop()
		_ = f.Close()
	})
}

func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// clusterOf tells how many lead, and whether they are paused.
func clusterOf(ctx context.Context, api string) (leaders int, paused bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/cluster", nil)
	if err != nil {
		return 0, false, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = res.Body.Close() }()
	var said struct {
		Members []struct{ Role, State string }
		Pause   bool
	}
	err = json.NewDecoder(res.Body).Decode(&said)
	for _, m := range said.Members {
		if m.Role == "leader" && m.State == "running" {
			leaders++
		}
	}
	return leaders, said.Pause, err
}

// Who may not change the configuration finds that out by a Try, which changes nothing.
func TestPatroniWithoutAPassword(t *testing.T) {
	g := patroniGround(t)
	delete(g.with, "netrc")
	k, wrong := made(t, "patroni", g.with)
	if wrong != "" {
		t.Fatal(wrong)
	}
	if _, complaint, err := dash.run(t, k.Needs(g.on).Try); err == nil || !strings.Contains(complaint, "does not let the account change") {
		t.Errorf("%v: %s", err, complaint)
	}
}
