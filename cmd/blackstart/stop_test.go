package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// Only the process that holds the lock is sent a signal, whatever number stands in it.
func TestStopSignalsNobodyElse(t *testing.T) {
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	st, err := openState()
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	for text, want := range map[string]string{fmt.Sprintf("pid %d since", other.Process.Pid): "is none or another", "": "does not say", "pid 1 since": "does not say"} {
		if err := os.WriteFile(st.lock.Name(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := stopRunning(context.Background(), &out, time.Millisecond); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Who was asked before, by a signal or by this command, is only waited for: a second signal would leave the undo. The next drill is
// asked anew.
func TestStopAsksOnce(t *testing.T) {
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	asked := []bool{}
	for range 2 {
		st, err := openState()
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, stopAsked(st.lock, os.Getpid()), stopAsked(st.lock, os.Getpid()))
		if pid, err := holder(st.lock); err != nil || pid != os.Getpid() {
			t.Errorf("held by %d, %v", pid, err)
		}
		st.close()
	}
	if !slices.Equal(asked, []bool{false, true, false, true}) {
		t.Errorf("asked before: %v", asked)
	}
}
