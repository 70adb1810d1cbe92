// Package shortage tells the errors by which the operating system says that this process or machine is out of something:
// descriptors, ports, buffers, memory. Such an error is ours: it is never what a client of the target has seen.
//
// It counts them for the whole process, since what was short is the whole process's too. It never frees or retries anything.
package shortage

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
)

// errnos are the errors of a local shortage, with what is short.
var errnos = []struct {
	errno syscall.Errno
	name  string
	what  string
}{
	{syscall.EMFILE, "EMFILE", "this process is out of file descriptors"},
	{syscall.ENFILE, "ENFILE", "this machine is out of file descriptors"},
	{syscall.EADDRNOTAVAIL, "EADDRNOTAVAIL", "this machine is out of local ports"},
	{syscall.ENOBUFS, "ENOBUFS", "this machine is out of socket buffers"},
	{syscall.ENOMEM, "ENOMEM", "this machine is out of memory"},
}

// Of says what was short where err tells of a local shortage, and "" where it does not.
func Of(err error) string {
	for _, e := range errnos {
		if errors.Is(err, e.errno) {
			return e.what + " (" + e.name + ")"
		}
	}
	return ""
}

// Prefix begins every text of a local shortage that stands in place of a target's answer.
const Prefix = "local shortage: "

var tally struct {
	sync.Mutex
	counts map[[2]string]int // by where and what
}

// Note tells whether err tells of a local shortage, and counts what it finds under where it was met.
func Note(where string, err error) bool {
	what := Of(err)
	if what == "" {
		return false
	}
	tally.Lock()
	defer tally.Unlock()
	if tally.counts == nil {
		tally.counts = map[[2]string]int{}
	}
	tally.counts[[2]string{where, what}]++
	return true
}

// Seen lists every shortage that was noted since the process began, one sentence for each place and kind, sorted.
func Seen() []string {
	tally.Lock()
	defer tally.Unlock()
	var all []string
	for key, n := range tally.counts {
		all = append(all, fmt.Sprintf("%s: %s, %d times", key[0], key[1], n))
	}
	slices.Sort(all)
	return all
}
