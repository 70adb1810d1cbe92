package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"blackstart/harness/targets/procs"
)

// An Account is an unprivileged one to drop to. A nil *Account is ourselves.
type Account struct {
	Name     string
	UID, GID uint32
}

// accountToRunAs returns the account PostgreSQL runs as: ours, unless we are root.
func accountToRunAs() (*Account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return nil, hasEntry(uid)
	}
	var errs []error
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			errs = append(errs, err)
			continue
		}
		return &Account{name, uint32(uid), uint32(gid)}, nil
	}
	return nil, &Error{"find", "an account to run PostgreSQL as", errors.Join(errs...),
		"PostgreSQL refuses to run as root: add an account named postgres, or run as an ordinary user"}
}

// hasEntry sees that an account has a name: initdb does not work for one without.
func hasEntry(uid int) error {
	id := strconv.Itoa(uid)
	if _, err := user.LookupId(id); err == nil || !errors.As(err, new(user.UnknownUserIdError)) {
		return nil // a name, or no way to tell: initdb says so itself
	}
	return &Error{"run", "PostgreSQL", fmt.Errorf("the account with uid %s has no entry in /etc/passwd, and initdb refuses to work for it", id),
		"give it one: echo 'drill:x:" + id + ":" + strconv.Itoa(os.Getegid()) + "::/tmp:/bin/sh' >> /etc/passwd; or run as another account"}
}

// UID is the account that PostgreSQL will run as: ours, unless we are root.
func UID() int {
	if a, err := accountToRunAs(); err == nil && a != nil {
		return int(a.UID)
	}
	return os.Geteuid()
}

// Credential returns what to run a process with; nil: as ourselves.
func (a *Account) Credential() *syscall.Credential {
	if a == nil {
		return nil
	}
	return &syscall.Credential{Uid: a.UID, Gid: a.GID}
}

func (a *Account) suffix() string {
	if a == nil {
		return ""
	}
	return " as " + a.Name
}

// command makes a command that runs as the account, with messages and times that
// do not depend on the machine.
func (a *Account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/" // our own working directory may be closed to the account
	cmd.Env = procs.Env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.Credential()}
	return cmd
}

// chown gives a file or directory to the account.
func (a *Account) chown(path string) error {
	if a == nil {
		return nil
	}
	return os.Lchown(path, int(a.UID), int(a.GID))
}

// mkdir makes a directory of the account's that nobody else can enter, and
// checks that the account can reach it.
func (a *Account) mkdir(ctx context.Context, path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(path, 0o700), a.chown(path)); err != nil {
		return err
	}
	if a == nil {
		return nil
	}
	if err := a.command(ctx, "/bin/sh", "-c", `cd "$0"`, path).Run(); err != nil {
		return &Error{"reach", path, fmt.Errorf("as the account %s: %w", a.Name, err), a.accessHint(path)}
	}
	return nil
}

// accessHint says how the account gets to path, which it cannot reach.
func (a *Account) accessHint(path string) string {
	const other = "keep the state in another place: export BLACKSTART_STATE=/var/tmp/blackstart"
	closed := procs.ClosedAbove(path, a.UID, a.GID)
	if closed == "" {
		return other
	}
	return fmt.Sprintf("%s is closed to that account: chmod o+x '%s'; or %s", closed, closed, other)
}

// copyTree copies a data directory, which holds directories, files and, with
// tablespaces, links, and gives the copy to the account.
func (a *Account) copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			err = os.MkdirAll(target, 0o700)
		case d.Type() == fs.ModeSymlink:
			var link string
			if link, err = os.Readlink(path); err == nil {
				err = os.Symlink(link, target)
			}
		case d.Type().IsRegular():
			err = copyFile(path, target)
		default:
			err = fmt.Errorf("copy %s: not a file, directory or link", path)
		}
		if err != nil {
			return err
		}
		return a.chown(target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}
