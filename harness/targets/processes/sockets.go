package processes

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
)

// maxSocketRoot is the longest directory, in bytes, that leaves room for the name of a socket below it: its whole path has
// 107 at most.
const maxSocketRoot = 107 - len("/blackstart-4294967295/east/.s.PGSQL.65535.lock")

// ourSockets is what the path of a directory of sockets looks like.
var ourSockets = regexp.MustCompile(`^/(?:.*/)?blackstart-[0-9]+$`)

// socketRoots are where a directory of sockets may be made, in the order in which they are tried: a path of a unix socket is
// short, so the state directory comes last.
func socketRoots(dir string) []string { return []string{"/tmp", os.TempDir(), "/var/tmp", "/run", dir} }

// makeSockets makes the directory of the sockets in the first of roots that can be written to and reached by the account that
// runs PostgreSQL.
func makeSockets(roots []string) (string, error) {
	var errs []error
	for _, root := range roots {
		if len(root) > maxSocketRoot {
			errs = append(errs, fmt.Errorf("%s: its path is longer than %d bytes", root, maxSocketRoot))
			continue
		}
		dir, err := os.MkdirTemp(root, "blackstart-*")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		err = os.Chmod(dir, 0o755) // the database's account walks through it
		if closed := procs.ClosedAbove(filepath.Join(dir, "east"), uint32(postgres.UID()), ^uint32(0)); err == nil && closed != "" {
			err = fmt.Errorf("%s is closed to the account that runs PostgreSQL", closed)
		}
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err, os.Remove(dir))
	}
	return "", &Error{Component: "sockets", Err: fmt.Errorf("make the directory of the sockets: %w", errors.Join(errs...)),
		Hint: "name a directory with a short path that may be written to: export TMPDIR=/var/tmp"}
}
