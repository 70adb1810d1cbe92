package victim

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// silencePoll is how often waiting in silence looks at whether it is to go on.
const silencePoll = 25 * time.Millisecond

// dialSilent holds if a dial gets neither a connection nor a refusal for as long as silence takes. It makes the system calls
// itself: connect returns once the SYN has been sent, and that is the moment the silence speaks of.
func dialSilent(ctx context.Context, address string, asked func()) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !to.Addr().Is4() {
		return fmt.Errorf("could not be asked: %q is not an IPv4 address and port", address)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("could not be asked: %w", err)
	}
	defer func() { _ = unix.Close(fd) }()
	began := time.Now()
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	asked()
	if err == nil {
		return otherwise{errAccepted}
	}
	if !errors.Is(err, unix.EINPROGRESS) {
		return judgeSilence(err, began)
	}
	return judgeSilence(awaitConnect(ctx, fd, began), began)
}

// awaitConnect waits for a dial to end: os.ErrDeadlineExceeded after silence, errAccepted, or the refusal.
func awaitConnect(ctx context.Context, fd int, began time.Time) error {
	for {
		left := silence - time.Since(began)
		if left <= 0 || ctx.Err() != nil {
			return os.ErrDeadlineExceeded
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, int(min(left, silencePoll)/time.Millisecond)+1)
		if errors.Is(err, unix.EINTR) || (err == nil && n == 0) {
			continue
		}
		if err != nil {
			return err
		}
		code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			return err
		}
		if code == 0 {
			return errAccepted
		}
		return unix.Errno(code)
	}
}

// errAccepted says that a dial was answered.
var errAccepted = errors.New("it accepts connections")
