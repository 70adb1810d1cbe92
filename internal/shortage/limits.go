package shortage

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Unlimited is an amount without a bound.
const Unlimited = math.MaxInt64

// Amounts are amounts of what a process needs from its machine.
type Amounts struct {
	Descriptors int64 // of one process
	Files       int64 // of the whole machine
	Processes   int64 // and threads
	Memory      int64 // bytes
	Addresses   int64 // bytes of address space of one process
	Ports       int64 // local ports towards one address
}

// A Shortfall is something of which there is too little.
type Shortfall struct {
	What string // with both figures
	Mend string // the command that mends it
}

// enoughDescriptors is the limit up to which ours is raised, where we may: more would slow down programs that walk through all.
const enoughDescriptors = 1 << 16

// Raise lifts the soft limit of file descriptors to the hard one, for us and, since it is said out loud, for what we start.
// (Go raises its own by itself, and gives children the old one back.)
func Raise() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("read the limit of descriptors: %w", err)
	}
	limit.Cur = min(limit.Max, max(limit.Cur, enoughDescriptors))
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("raise the limit of descriptors: %w", err)
	}
	return nil
}

// Shortfalls holds what there is against what is needed. It is a pure function: Free reads the machine.
func (free Amounts) Shortfalls(need Amounts) []Shortfall {
	var all []Shortfall
	lack := func(have, want int64, what, mend string) {
		if have < want {
			all = append(all, Shortfall{fmt.Sprintf(what, want, max(have, 0)), mend})
		}
	}
	const mib = 1 << 20
	lack(free.Descriptors, need.Descriptors, "it needs up to %d file descriptors, and this process may open %d more",
		fmt.Sprintf("ulimit -n %d", powerAbove(need.Descriptors)))
	lack(free.Files, need.Files, "it needs up to %d open files, and this machine has room for %d more",
		fmt.Sprintf("sysctl -w fs.file-max=%d", powerAbove(need.Files+1<<16)))
	lack(free.Processes, need.Processes, "it needs up to %d processes and threads, and %d more may be started",
		fmt.Sprintf("ulimit -u %d (or raise pids.max of the container)", powerAbove(need.Processes+1<<10)))
	lack(free.Memory/mib, need.Memory/mib, "it needs up to %d MiB of memory, and %d MiB are free",
		"end other programs, or give the container more memory")
	lack(free.Addresses/mib, need.Addresses/mib, "it needs up to %d MiB of address space, and a process may use %d MiB",
		"ulimit -v unlimited")
	lack(free.Ports, need.Ports, "it needs up to %d local ports towards one address, and this machine has %d",
		`sysctl -w net.ipv4.ip_local_port_range="1024 65535"`)
	return all
}

// powerAbove is the next power of two, 1024 at least: what people type.
func powerAbove(n int64) int64 {
	p := int64(1024)
	for p < n {
		p *= 2
	}
	return p
}

// Free reads what is left of everything. The processes are counted as those of account uid, 0 standing for one without a
// limit. What cannot be read counts as unlimited: it is then found out when it is short.
func Free(uid int) Amounts {
	return Amounts{
		Descriptors: freeDescriptors(), Files: freeFiles(), Processes: min(freeProcesses(uid), freeOfGroup("pids")),
		Memory: min(freeMemory(), freeOfGroup("memory")), Addresses: rlimit(unix.RLIMIT_AS), Ports: ports(),
	}
}

func rlimit(which int) int64 {
	var limit unix.Rlimit
	if unix.Getrlimit(which, &limit) != nil || limit.Cur > Unlimited {
		return Unlimited
	}
	return int64(limit.Cur)
}

func freeDescriptors() int64 {
	open, err := os.ReadDir("/proc/self/fd")
	limit := rlimit(unix.RLIMIT_NOFILE)
	if err != nil || limit == Unlimited {
		return limit
	}
	return limit - int64(len(open))
}

func freeFiles() int64 {
	n := numbers("/proc/sys/fs/file-nr")
	if len(n) != 3 {
		return Unlimited
	}
	return n[2] - n[0] + n[1]
}

// freeProcesses counts the threads of an account against the limit. The kernel holds nobody with uid 0 to it.
func freeProcesses(uid int) int64 {
	limit := rlimit(unix.RLIMIT_NPROC)
	if limit == Unlimited || uid == 0 {
		return Unlimited
	}
	status, _ := filepath.Glob("/proc/[0-9]*/status") // the pattern is well formed
	used := int64(0)
	for _, path := range status {
		fields := colons(path)
		if owner := strings.Fields(fields["Uid"]); len(owner) > 0 && owner[0] == strconv.Itoa(uid) {
			n, _ := strconv.ParseInt(fields["Threads"], 10, 64) // a process that has just ended counts nothing
			used += n
		}
	}
	return limit - used
}

func freeMemory() int64 {
	kib, err := strconv.ParseInt(strings.TrimSuffix(colons("/proc/meminfo")["MemAvailable"], " kB"), 10, 64)
	if err != nil {
		return Unlimited
	}
	return kib << 10
}

func ports() int64 {
	n := numbers("/proc/sys/net/ipv4/ip_local_port_range")
	if len(n) != 2 {
		return Unlimited
	}
	return n[1] - n[0] + 1
}

// numbers reads a file of whole numbers.
func numbers(path string) []int64 {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var all []int64
	for _, field := range strings.Fields(string(data)) {
		all = append(all, firstNumber(field))
	}
	return all
}

// firstNumber reads a number. "max" is one without a bound, and so is the kernel's own largest, which is beyond ours.
func firstNumber(field string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(field), 10, 64)
	if err != nil {
		return Unlimited
	}
	return n
}

// colons reads a file of lines "name: value".
func colons(path string) map[string]string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	fields := map[string]string{}
	for _, line := range strings.Split(string(data), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = strings.TrimSpace(value)
		}
	}
	return fields
}

// PortsAreReused tells whether the kernel gives the port of a connection on loopback that was closed away again after a
// second, as it does unless told otherwise.
func PortsAreReused() bool {
	n := numbers("/proc/sys/net/ipv4/tcp_tw_reuse")
	return len(n) == 1 && n[0] > 0
}
