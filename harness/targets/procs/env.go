package procs

import "os"

// passed are the variables that a child needs to be found and to run at all. Everything else stays with us: a proxy, a PG*
// variable, a locale or a preloaded library of whoever started us would change what the target is.
var passed = []string{"PATH", "LD_LIBRARY_PATH", "TMPDIR", "GOCOVERDIR", "GORACE", "GOTRACEBACK"}

// Env is the environment of whatever we start: of ours, only what is on a list, with the locale and the time zone fixed. more
// are further variables, "NAME=value".
func Env(more ...string) []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range passed {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, more...)
}
