package shortage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func unlimited() Amounts {
	return Amounts{Unlimited, Unlimited, Unlimited, Unlimited, Unlimited, Unlimited}
}

func TestEachLackIsNamedWithItsRemedy(t *testing.T) {
	need := Amounts{Descriptors: 2000, Files: 4000, Processes: 200, Memory: 512 << 20, Addresses: 1 << 30, Ports: 8000}
	if got := unlimited().Shortfalls(need); len(got) != 0 {
		t.Errorf("nothing is short, yet %v", got)
	}
	for _, c := range []struct {
		change     func(*Amounts)
		what, mend string
	}{
		{func(a *Amounts) { a.Descriptors = 290 }, "up to 2000 file descriptors, and this process may open 290 more", "ulimit -n 2048"},
		{func(a *Amounts) { a.Files = 10 }, "4000 open files", "fs.file-max="},
		{func(a *Amounts) { a.Processes = -3 }, "200 processes and threads, and 0 more", "ulimit -u 2048"},
		{func(a *Amounts) { a.Memory = 100 << 20 }, "512 MiB of memory, and 100 MiB", "memory"},
		{func(a *Amounts) { a.Addresses = 64 << 20 }, "1024 MiB of address space, and a process may use 64 MiB", "ulimit -v unlimited"},
		{func(a *Amounts) { a.Ports = 100 }, "8000 local ports towards one address, and this machine has 100", "ip_local_port_range"},
	} {
		free := unlimited()
		c.change(&free)
		got := free.Shortfalls(need)
		if len(got) != 1 || !strings.Contains(got[0].What, c.what) || !strings.Contains(got[0].Mend, c.mend) {
			t.Errorf("%+v, want %q and %q", got, c.what, c.mend)
		}
	}
}

func TestWhatIsFreeIsRead(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit) }()
	low := limit
	low.Cur = 200
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	if got := Free(0).Descriptors; got <= 0 || got >= 200 {
		t.Errorf("%d descriptors are free of 200", got)
	}
	if err := Raise(); err != nil {
		t.Fatal(err)
	}
	var raised unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &raised); err != nil || raised.Cur != min(limit.Max, max(enoughDescriptors, 200)) || raised.Max != limit.Max {
		t.Errorf("raised to %+v, %v", raised, err)
	}
	if f := Free(0); f.Memory <= 0 || f.Memory == Unlimited || f.Ports <= 0 || f.Ports > 65535 || f.Files <= 0 {
		t.Errorf("read %+v", f)
	}
}

func TestControlGroupsUpToTheRoot(t *testing.T) {
	root := t.TempDir()
	put := func(path, content string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a/pids.max", "max\n")
	put("a/pids.current", "7\n")
	put("a/b/pids.max", "100\n")
	put("a/b/pids.current", "40\n")
	put("memory/x/memory.limit_in_bytes", "1000\n")
	put("memory/x/memory.usage_in_bytes", "900\n")
	put("memory/x/memory.stat", "cache 5\ntotal_inactive_file 300\n")
	put("memory/memory.limit_in_bytes", "9223372036854771712\n")
	put("memory/memory.usage_in_bytes", "12345\n")
	for _, c := range []struct {
		membership, resource string
		want                 int64
	}{
		{"0::/a/b\n", "pids", 60}, {"0::/a\n", "pids", Unlimited}, {"0::/gone\n", "pids", Unlimited},
		{"3:name=systemd:/a\n4:memory:/x\n", "memory", 400}, {"4:memory:/x/gone\n", "memory", 400}, {"", "memory", Unlimited},
	} {
		if got := leastFree(root, c.membership, c.resource); got != c.want {
			t.Errorf("%q %s: %d, want %d", c.membership, c.resource, got, c.want)
		}
	}
}
