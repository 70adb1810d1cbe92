package relay

import (
	"net"
	"os"
	"slices"
	"syscall"
	"testing"

	"blackstart/internal/shortage"
)

// scarce is an end that cannot be written to for want of buffers.
type scarce struct{}

func (scarce) Write([]byte) (int, error) {
	return 0, &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.ENOBUFS)}
}

// What a link cannot hand on for want of something on this machine is noted: the reset that follows is not the target's.
func TestALinkNotesAShortage(t *testing.T) {
	p := &pair{link: &Link{upstream: "a link's upstream"}}
	if err := p.pass(up, scarce{}, []byte("x")); err == nil {
		t.Error("it was handed on")
	}
	seen := shortage.Seen()
	if want := "the link to a link's upstream: this machine is out of socket buffers (ENOBUFS), 1 times"; !slices.Contains(seen, want) {
		t.Errorf("no %q in %q", want, seen)
	}
}
