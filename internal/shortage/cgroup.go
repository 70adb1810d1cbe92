package shortage

import (
	"os"
	"path/filepath"
	"strings"
)

// groups are the control groups' files, of version 2 and 1, for each resource: the bound and what is used of it.
var groups = map[string][][2]string{
	"pids":   {{"pids.max", "pids.current"}},
	"memory": {{"memory.max", "memory.current"}, {"memory.limit_in_bytes", "memory.usage_in_bytes"}},
}

// freeOfGroup is what the control groups that we are in leave of a resource: the least of all, up to the root.
func freeOfGroup(resource string) int64 {
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return Unlimited
	}
	return leastFree("/sys/fs/cgroup", string(data), resource)
}

// leastFree reads the groups that a process is in, as /proc/PID/cgroup lists them, below root.
func leastFree(root, membership, resource string) int64 {
	least := int64(Unlimited)
	for _, line := range strings.Split(membership, "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		base := root
		if controllers := parts[1]; controllers != "" {
			base = filepath.Join(root, controllers)
		}
		// In a container the path may be that of the host; then only the root of what is mounted is there.
		for dir := filepath.Clean("/" + parts[2]); ; dir = filepath.Dir(dir) {
			least = min(least, freeIn(filepath.Join(base, dir), resource))
			if dir == "/" {
				break
			}
		}
	}
	return least
}

// freeIn reads one group. Memory that only caches files is given back when it is wanted, so it counts as free.
func freeIn(dir, resource string) int64 {
	least := int64(Unlimited)
	for _, files := range groups[resource] {
		most, used := numbers(filepath.Join(dir, files[0])), numbers(filepath.Join(dir, files[1]))
		if len(most) != 1 || len(used) != 1 || most[0] >= Unlimited>>12<<12 {
			continue
		}
		free := most[0] - used[0]
		if resource == "memory" {
			free += cached(filepath.Join(dir, "memory.stat"))
		}
		least = min(least, free)
	}
	return least
}

func cached(stat string) int64 {
	data, err := os.ReadFile(stat)
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(data), "\n") {
		for _, name := range []string{"total_inactive_file ", "inactive_file "} {
			if value, ok := strings.CutPrefix(line, name); ok {
				return firstNumber(value)
			}
		}
	}
	return 0
}
