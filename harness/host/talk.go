package host

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackstart/harness/component"
	"blackstart/harness/targets/procs"
)

// posix are the login shells that read a quoted word as POSIX says. Another may make something else even of the line that begins ours.
var posix = []string{"", "sh", "bash", "dash", "ksh", "ksh93", "mksh", "oksh", "zsh", "ash", "busybox"}

const (
	margin    = time.Second // that the limit of a program there ends before ours, so that we hear how it ended
	killAfter = 2           // seconds between the signal that asks it to end and the one that ends it
	mostKept  = 64 << 10    // bytes of complaints that are read for why no shell was ready
)

// talk is one program that is run on a host.
type talk struct {
	host  *Host
	q     Question
	until time.Time
	nonce string // marks what the shell of ours says, and nobody else

	Answer
	complaint strings.Builder // until the shell is ready
	err       error           // why it was not told to run anything
}

// script is what the shell there runs: it says that it is ready, reads how many words come, for how many seconds the program may run, and
// the words themselves, one a line with everything but letters and digits in octal. It is one line without single quotes, backslashes
// and exclamation marks, so that it can stand in single quotes wherever it is read first.
func (t *talk) script() string {
	return "echo ready " + t.nonce + ` "${SHELL-}" >&2; read -r go n limit || exit 3; test "$go" = "` + t.nonce + `" || exit 3; ` +
		`set --; while test "$n" -gt 0; do read -r w || exit 3; w=$(printf "%bx" "$w"); set -- "$@" "${w%x}"; n=$((n - 1)); done; ` +
		"PATH=" + procs.StandardPath + "; LC_ALL=C; TZ=UTC; export PATH LC_ALL TZ; cd /; " +
		`command -v timeout >/dev/null || { echo lacks ` + t.nonce + ` timeout >&2; exit 3; }; ` +
		`command -v "$1" >/dev/null || { echo absent ` + t.nonce + ` >&2; exit 3; }; ` +
		fmt.Sprintf(`timeout -k %d "$limit" "$@"; c=$?; echo >&2; echo ended %s "$c" >&2`, killAfter, t.nonce)
}

// line takes one line of stderr: of the transport's own program, of the shell, or of what it runs.
func (t *talk) line(line string) (open bool, stdin []byte, err error) {
	words := strings.Fields(line)
	ours := len(words) > 1 && words[1] == t.nonce
	switch {
	case !ours && t.Sent:
		t.Stderr += len(strings.TrimSpace(line))
	case !ours:
		if t.complaint.Len() < mostKept {
			t.complaint.WriteString(line + "\n")
		}
	case words[0] == "ready" && !t.Ready:
		t.Ready = true
		if stdin, t.err = t.begin(strings.Join(words[2:], " ")); t.err != nil {
			return false, nil, t.err
		}
		t.Sent, t.Asked = true, time.Now()
		return true, stdin, nil
	case words[0] == "absent", words[0] == "lacks":
		t.Sent, t.Absent = false, words[0] == "absent"
		t.err = component.Refuse("there is no program %s on %s, on the path %s", t.q.Argv[0], t.host.Name, procs.StandardPath)
		if !t.Absent {
			t.err = component.Refuse("there is no timeout (coreutils) on %s, without which nothing is run there", t.host.Name)
		}
	case words[0] == "ended" && len(words) == 3 && t.Sent:
		t.Code, err = strconv.Atoi(words[2])
		t.Ended, t.Got = err == nil, time.Now()
	}
	return false, nil, nil
}

// begin gives what the shell reads when it is ready, or says why nothing is run there.
func (t *talk) begin(login string) ([]byte, error) {
	if name := path.Base(login); login != "" && !slices.Contains(posix, name) {
		return nil, component.Refuse("the login shell of the account on %s is %s, which quotes otherwise than POSIX says: give it sh, bash, dash, ksh or zsh", t.host.Name, name)
	}
	if tells, ok := t.host.transport.(Telling); ok && t.host.Identity != "" {
		switch got := tells.Told(t.complaint.String()); got {
		case t.host.Identity:
		case "":
			return nil, fmt.Errorf("it is not certain who host %s is: its connection did not tell", t.host.Name)
		default:
			return nil, component.Another(got, t.host.Identity)
		}
	}
	limit := int(time.Until(t.until.Add(-margin)).Seconds())
	if limit < 1 {
		return nil, fmt.Errorf("run on host %s: less than a second is left of its time: write a longer timeout, 5s or more", t.host.Name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %d\n", t.nonce, len(t.q.Argv), limit)
	for _, word := range t.q.Argv {
		if strings.ContainsRune(word, 0) {
			return nil, errors.New("run on a host: an argument holds a NUL")
		}
		b.WriteString(octal(word) + "\n")
	}
	return append([]byte(b.String()), t.q.Stdin...), nil
}

// octal writes everything but ASCII letters and digits as printf %b reads it.
func octal(word string) string {
	var b strings.Builder
	for _, c := range []byte(word) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\0%03o`, c)
		}
	}
	return b.String()
}

// answer says how it ended: by what the shell there said, and where it said nothing, by how the transport's own program ended.
func (t *talk) answer(a procs.Answer, err error) (Answer, error) {
	t.Stdout, t.Over = a.Stdout, a.Over
	switch {
	case t.err != nil:
		return t.Answer, t.err
	case t.Ended:
		return t.Answer, nil
	case t.Sent:
		return t.Answer, fmt.Errorf("host %s was told to run it, and did not say how it ended: it may run there until its limit is over; look there before it is made again", t.host.Name)
	case err != nil && !a.Started:
		return t.Answer, err
	}
	if why, refused := t.host.transport.Explain(t.complaint.String() + string(a.Stdout)); refused { // nologin complains on stdout
		return t.Answer, component.Refuse("%s", why)
	} else if why != "" {
		return t.Answer, errors.New(why)
	}
	if err != nil {
		return t.Answer, fmt.Errorf("reach host %s: %w", t.host.Name, err)
	}
	return t.Answer, fmt.Errorf("no POSIX shell was ready on host %s (exit code %d; what was complained of, %d bytes, is not shown): run %s by hand with the account that runs this", t.host.Name, a.Code, t.complaint.Len(), t.host.Program())
}
