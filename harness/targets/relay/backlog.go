package relay

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// fullBacklog asks for the longest accept queue; the kernel cuts it to somaxconn.
const fullBacklog = 1<<16 - 1

// silence makes the kernel drop every further SYN to the listener, from which
// nobody accepts any more. With a backlog of 0 the accept queue holds one
// connection, and Linux leaves a SYN unanswered while the queue is full. So one
// connection of our own is parked there. If it gets no answer either, the queue
// was full already, or the kernel takes none at all: silent all the same.
// The connection returned, if any, keeps its place until it is closed.
func silence(l *net.TCPListener) (parked net.Conn, err error) {
	if err := listenAgain(l, 0); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: parkTimeout, KeepAlive: -1}
	conn, err := d.DialContext(context.Background(), "tcp", l.Addr().String())
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("park a connection: %w", err)
	}
	return conn, nil
}

// unsilence resets what waits in the accept queue and gives the queue its length back.
func unsilence(l *net.TCPListener) error {
	return errors.Join(emptyQueue(l), listenAgain(l, fullBacklog))
}

func listenAgain(l *net.TCPListener, backlog int) error {
	return control(l, "set the backlog", func(fd int) error { return unix.Listen(fd, backlog) })
}

// emptyQueue accepts and resets until nothing waits. Nobody else accepts meanwhile.
func emptyQueue(l *net.TCPListener) error {
	return control(l, "empty the accept queue", func(fd int) error {
		for {
			conn, _, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			switch {
			case errors.Is(err, unix.EAGAIN):
				return nil
			case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
				continue
			case err != nil:
				return err
			}
			err = unix.SetsockoptLinger(conn, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
			if err := errors.Join(err, unix.Close(conn)); err != nil {
				return err
			}
		}
	})
}

func control(l *net.TCPListener, what string, f func(fd int) error) error {
	raw, err := l.SyscallConn()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = f(int(fd)) }); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if inner != nil {
		return fmt.Errorf("%s: %w", what, inner)
	}
	return nil
}

// reset closes c with RST, so that neither end waits for the other.
func reset(c *net.TCPConn) {
	if c == nil {
		return
	}
	_ = c.SetLinger(0) // fails only on a socket that is closed already
	_ = c.Close()
}
