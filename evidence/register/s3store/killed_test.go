package s3store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"blackstart/evidence/register"
	"blackstart/evidence/register/conformance"
	"blackstart/internal/fakebucket"
)

// A child process of the test appends to the store named by placeEnv until diesEnv steps are done, and then kills itself.
const (
	placeEnv  = "S3STORE_TEST_PLACE"
	writerEnv = "S3STORE_TEST_WRITER"
	fromEnv   = "S3STORE_TEST_FROM"
	untilEnv  = "S3STORE_TEST_UNTIL"
	diesEnv   = "S3STORE_TEST_DIES"
)

// stepsOfAppend is what an append has that meets no other: two files, each with six steps.
const stepsOfAppend = 12

// mortal lets the process die on the way of a request: before it is sent, when the first byte of its body is taken, when its last is, and
// before the answer to it is read.
type mortal struct{ http.RoundTripper }

func (m mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut {
		return m.RoundTripper.RoundTrip(r)
	}
	step("sends")
	r = r.Clone(r.Context())
	r.Body = &body{ReadCloser: r.Body}
	answer, err := m.RoundTripper.RoundTrip(r)
	step("is answered")
	return answer, err
}

type body struct {
	io.ReadCloser
	begun, done sync.Once
}

func (b *body) Read(p []byte) (int, error) {
	b.begun.Do(func() { step("begins to send") })
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.done.Do(func() { step("has sent") })
	}
	return n, err
}

// TestWriterProcess is the child; it says each run that it has opened.
func TestWriterProcess(t *testing.T) {
	place := os.Getenv(placeEnv)
	if place == "" {
		t.Skip("it is the child of another test")
	}
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv(name))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	b := opened(t, place)
	o := b.client.Options()
	b.client = s3.New(o, func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: mortal{&http.Transport{}}} })
	quick(b)
	key := conformance.Key(t)
	l, err := register.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	left := number(diesEnv)
	var mu sync.Mutex
	step = func(string) {
		mu.Lock()
		defer mu.Unlock()
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	for n := number(fromEnv); n < number(untilEnv); n++ {
		if err := conformance.Append(t.Context(), l, key, fmt.Sprintf("%s-%d", os.Getenv(writerEnv), n)); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("opened %d\n", n)
	}
}

// writer runs child after child until n appends are acknowledged. Each dies one step later than the one before. An append that was cut off
// is not known to have been done: it is made again, as a run of its own.
func writer(place, name string, n int) (killed int, err error) {
	done := 0
	for dies := 1; done < n; dies++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriterProcess$")
		cmd.Env = append(os.Environ(), placeEnv+"="+place, fmt.Sprintf("%s=%s.%d", writerEnv, name, dies), fromEnv+"="+strconv.Itoa(done), untilEnv+"="+strconv.Itoa(n),
			fmt.Sprintf("%s=%d", diesEnv, dies%stepsOfAppend+1+stepsOfAppend*(dies%17)))
		out, err := cmd.StdoutPipe()
		if err != nil {
			return killed, err
		}
		if err := cmd.Start(); err != nil {
			return killed, err
		}
		said := ""
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said += lines.Text() + "\n"
			if n, ok := strings.CutPrefix(lines.Text(), "opened "); ok {
				if done, err = strconv.Atoi(n); err != nil {
					return killed, err
				}
				done++
			}
		}
		var exit *exec.ExitError
		switch err := cmd.Wait(); {
		case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
			killed++
		case err != nil:
			return killed, fmt.Errorf("writer %s: %w: %s", name, err, said)
		}
	}
	return killed, nil
}

// writersEnv says how many appends each writer makes; `make stores` says 500.
const writersEnv = "BLACKSTART_APPENDS"

// killedWriters lets two writers append, die and begin again: nothing that was acknowledged is lost, and nothing forks.
func killedWriters(t *testing.T, place string) {
	n := 40
	if all := os.Getenv(writersEnv); all != "" {
		var err error
		if n, err = strconv.Atoi(all); err != nil {
			t.Fatal(err)
		}
	}
	b := opened(t, place)
	if err := register.Init(t.Context(), b, conformance.Key(t)); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	errs, killed := make([]error, 2), make([]int, 2)
	for i, name := range []string{"a", "b"} {
		group.Go(func() { killed[i], errs[i] = writer(place, name, n) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	l := conformance.Intact(t, b, -1)
	seen := map[string]bool{} // writer and number: a run that was cut off may stand there once more
	for _, line := range l.Lines() {
		name, number, _ := strings.Cut(line.Body.(*register.Opened).Run, "-")
		seen[name[:1]+number] = true
	}
	if len(seen) != 2*n {
		t.Errorf("%d appends are in the register, %d were acknowledged", len(seen), 2*n)
	}
	if killed[0] == 0 || killed[1] == 0 {
		t.Error("no writer was killed: the test tests nothing")
	}
	t.Logf("%d entries for %d appends, %v writers killed", l.Size(), 2*n, killed)
}

func TestTwoWritersThatAreKilled(t *testing.T) {
	account(t)
	server := fakebucket.Start(t)
	killedWriters(t, server.Place("killed"))
}
