package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"blackstart/harness"
)

// Directory asks through files. A task is NNN.task.json, with NNN.task.txt to read; whoever does it writes NNN.begun and NNN.done,
// each with a name, or NNN.cannot with why. A file counts once it is there under its name: write it under another, and rename it.
type Directory struct {
	Path string
	next int
}

// every is how often the directory is looked at.
const every = 100 * time.Millisecond

// Ask implements harness.People.
func (d *Directory) Ask(ctx context.Context, task harness.PersonTask, begun func(string)) (string, error) {
	n, err := d.put(task)
	if err != nil {
		return "", fmt.Errorf("ask people through a directory: %w", err)
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for heard := false; ; {
		if who, err := d.said(n, "begun"); err != nil {
			return "", err
		} else if who != "" && !heard {
			heard = true
			begun(who)
		}
		why, err := d.read(n, "cannot")
		if err == nil {
			return "", &Cannot{string(why)}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("read what people say: %w", err)
		}
		if who, err := d.said(n, "done"); who != "" || err != nil {
			return who, err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-ticker.C:
		}
	}
}

// put writes the task under the first number that nothing in the directory has, whole or not at all. Whoever makes the text first has
// the number.
func (d *Directory) put(task harness.PersonTask) (n string, err error) {
	data, err := json.MarshalIndent(task, "", " ")
	if err != nil {
		return "", err
	}
	for claimed := false; !claimed; d.next++ {
		n = fmt.Sprintf("%03d", d.next)
		left, err := filepath.Glob(filepath.Join(globbed(d.Path), n+".*"))
		if err != nil {
			return "", err
		}
		if len(left) > 0 {
			continue
		}
		err = writeNew(filepath.Join(d.Path, n+".task.txt"), []byte(words(task)+"\n"+answers(n)))
		if claimed = err == nil; err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	path := filepath.Join(d.Path, n+".task.json")
	if err := writeNew(path+".new", append(data, '\n')); err != nil {
		return "", err
	}
	return n, os.Rename(path+".new", path)
}

// answers says how whoever reads a task answers it.
func answers(n string) string {
	return fmt.Sprintf("\nAnswer with a file beside this one that holds your name: %s.begun when you begin,\n%s.done when it is done. If it cannot be done: %s.cannot, which holds why.\n"+
		"Write it under another name first, and rename it.\n", n, n, n)
}

// globbed quotes a path for filepath.Glob.
func globbed(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// writeNew writes a file that is not there yet, and follows no link. People read it, under whatever account.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// read reads one file of a task, whose size is bounded.
func (d *Directory) read(n, kind string) ([]byte, error) {
	f, err := os.OpenFile(filepath.Join(d.Path, n+"."+kind), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0) // no pipe holds us, and no link leads elsewhere
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s.%s is not a file", n, kind)
	}
	return io.ReadAll(io.LimitReader(f, 4*maxWhy))
}

// said is who says a thing; "" while nobody does.
func (d *Directory) said(n, kind string) (string, error) {
	data, err := d.read(n, kind)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read what people say: %w", err)
	}
	who, err := named(string(data))
	if err != nil {
		return "", fmt.Errorf("%s.%s: %w", n, kind, err)
	}
	return who, nil
}
