package relay_test

import (
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/internal/shortage"
)

// leaveDescriptors leaves the process n free descriptors until the test ends.
func leaveDescriptors(t *testing.T, n int) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old) })
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 256, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	var held []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		held = append(held, f)
	}
	t.Cleanup(func() {
		for _, f := range held {
			_ = f.Close()
		}
	})
	for range n {
		_ = held[0].Close()
		held = held[1:]
	}
}

// A link that cannot accept, or cannot dial, for want of a descriptor keeps its client waiting: it is noted as ours.
func TestALinksShortageIsNoted(t *testing.T) {
	for name, free := range map[string]int{"accept": 1, "dial": 2} {
		t.Run(name, func(t *testing.T) {
			peer := newPeer(t)
			link := newLink(t, peer.Addr().String())
			leaveDescriptors(t, free)
			conn, err := net.Dial("tcp", link.Addr())
			if err == nil { // a link that cannot dial resets it, at once or later
				defer conn.Close()
			}
			noted := func() bool {
				return slices.ContainsFunc(shortage.Seen(), func(s string) bool {
					return strings.Contains(s, "the link to "+link.Upstream()+": ") && strings.Contains(s, "EMFILE")
				})
			}
			for began := time.Now(); !noted(); time.Sleep(time.Millisecond) {
				if time.Since(began) > patience {
					t.Fatalf("not noted: %q", shortage.Seen())
				}
			}
		})
	}
}
