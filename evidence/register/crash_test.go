package register

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// A child process of the test appends to the store named by storeEnv until diesEnv steps are done, and then kills itself.
const (
	storeEnv  = "REGISTER_TEST_STORE"
	writerEnv = "REGISTER_TEST_WRITER"
	fromEnv   = "REGISTER_TEST_FROM"
	untilEnv  = "REGISTER_TEST_UNTIL"
	diesEnv   = "REGISTER_TEST_DIES"
)

// stepsOfAppend is more than an append has that meets no other: two files, and what is between.
const stepsOfAppend = 13

// TestWriterProcess is the child; it says each run that it has opened.
func TestWriterProcess(t *testing.T) {
	dir := os.Getenv(storeEnv)
	if dir == "" {
		t.Skip("it is the child of another test")
	}
	number := func(name string) int {
		n, err := strconv.Atoi(os.Getenv(name))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	left := number(diesEnv)
	step = func(string) {
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	key, l := testKey(t), open(t, Dir(dir))
	for n := number(fromEnv); n < number(untilEnv); n++ {
		o := aRun(n)
		o.Run = fmt.Sprintf("%s-%d", os.Getenv(writerEnv), n)
		appendTo(t, l, key, n, o)
		fmt.Printf("opened %d\n", n)
	}
}

// writer runs child after child until n appends are acknowledged. Each dies one step later than the one before, so that every
// step of an append is met. An append that was cut off is not known to have been done: it is made again, as a run of its own.
func writer(dir Dir, name string, n int) error {
	done := 0
	for dies := 1; done < n; dies++ {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriterProcess$")
		cmd.Env = append(os.Environ(), storeEnv+"="+string(dir), fmt.Sprintf("%s=%s.%d", writerEnv, name, dies), fromEnv+"="+strconv.Itoa(done), untilEnv+"="+strconv.Itoa(n),
			fmt.Sprintf("%s=%d", diesEnv, dies%stepsOfAppend+1+stepsOfAppend*(dies%17)))
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		said := ""
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said += lines.Text() + "\n"
			if n, ok := strings.CutPrefix(lines.Text(), "opened "); ok {
				if done, err = strconv.Atoi(n); err != nil {
					return err
				}
				done++
			}
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
			return fmt.Errorf("writer %s: %w: %s", name, err, said)
		}
	}
	return nil
}

// TestTwoWritersThatAreKilled: nothing that was acknowledged is lost, and nothing forks, wherever a writer dies.
func TestTwoWritersThatAreKilled(t *testing.T) {
	n := 500
	if testing.Short() {
		n = 40
	}
	d, _ := newStore(t)
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i, name := range []string{"a", "b"} {
		group.Go(func() { errs[i] = writer(d, name, n) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	v := verify(t, d)
	if len(v.Problems) > 0 {
		t.Fatalf("after %d entries: %q", v.Log.Size(), v.Problems)
	}
	seen := map[string]bool{} // writer and number: a run that was cut off may stand there once more
	for _, line := range v.Log.Lines() {
		name, number, _ := strings.Cut(line.Body.run(), "-")
		seen[name[:1]+number] = true
	}
	if len(seen) != 2*n {
		t.Errorf("%d appends are in the register, %d were acknowledged", len(seen), 2*n)
	}
	cut, err := filepath.Glob(path(d, entryDir+"/"+unnamed+"*"))
	if err != nil || len(cut) == 0 {
		t.Errorf("no writer died while it wrote (%v): the test tests nothing", err)
	}
	t.Logf("%d entries for %d appends, %d files cut off", v.Log.Size(), 2*n, len(cut))
}
