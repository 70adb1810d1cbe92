package shortage

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
)

func TestOnlyWhatThisMachineLacks(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.ENOBUFS, syscall.ENOMEM} {
		wrapped := fmt.Errorf("connect: %w", &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", errno)})
		if Of(wrapped) == "" {
			t.Errorf("%v is no shortage", errno)
		}
	}
	for _, err := range []error{nil, io.EOF, errors.New("too many open files"), syscall.ECONNREFUSED, syscall.ECONNRESET,
		syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.EACCES, os.ErrDeadlineExceeded} {
		if Of(err) != "" {
			t.Errorf("%v is a shortage", err)
		}
	}
}

func TestNotedByPlace(t *testing.T) {
	if Note("a test", io.EOF) {
		t.Error("EOF was noted")
	}
	for range 3 {
		if !Note("a test", syscall.EMFILE) {
			t.Error("EMFILE was not noted")
		}
	}
	if want := "a test: this process is out of file descriptors (EMFILE), 3 times"; !slices.Contains(Seen(), want) {
		t.Errorf("%q lacks %q", Seen(), want)
	}
}
