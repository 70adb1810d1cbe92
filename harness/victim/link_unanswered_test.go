package victim

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// Nobody answers: a port that refuses, one that is silent, one whose kernel accepts for nobody, and one that hangs up.
func TestNobodyAnswers(t *testing.T) {
	hangsUp := serve(t, func(net.Conn) {})
	for name, address := range map[string]string{"refused": refusing(t), "silent": blackHole(t), "accepted by a kernel": listen(t).Addr().String(), "cut off": hangsUp} {
		t.Run(name, func(t *testing.T) { holds(t, target("postgres", "tcp", address), nil, one(harness.LinkUnanswered)) })
	}
	answers := serve(t, func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 8))
		_, _ = io.WriteString(c, "N")
	})
	denies(t, target("postgres", "tcp", answers), nil, one(harness.LinkUnanswered)[0], "it answers")
	denies(t, target("postgres", "tcp", "255.255.255.255:1"), nil, one(harness.LinkUnanswered)[0], "could not be asked")
}

// A real server answers, is frozen and does not, goes on and does, is killed and does not.
func TestAFrozenServerIsUnanswered(t *testing.T) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	address := refusing(t)
	_, port, _ := net.SplitHostPort(address)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte("port "+port+"\nbind 127.0.0.1\nsave \"\"\ndir "+dir+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, filepath.Join(dir, "conf"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	d := target("redis", "tcp", address)
	await := func(kind harness.CheckKind) {
		t.Helper()
		if _, err := Await(t.Context(), d, nil, one(kind), 20*time.Second, harness.NewClock()); err != nil {
			t.Fatal(err)
		}
	}
	await(harness.LinkAnswers)
	for _, step := range []struct {
		signal syscall.Signal
		want   harness.CheckKind
	}{{syscall.SIGSTOP, harness.LinkUnanswered}, {syscall.SIGCONT, harness.LinkAnswers}, {syscall.SIGKILL, harness.LinkUnanswered}} {
		if err := cmd.Process.Signal(step.signal); err != nil {
			t.Fatal(err)
		}
		if step.signal == syscall.SIGKILL {
			_ = cmd.Wait()
		}
		await(step.want)
	}
}
