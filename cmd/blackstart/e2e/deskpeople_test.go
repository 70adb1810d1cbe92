package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The firm's people hear what is asked in one of three ways, do it, and say so.

const whoSays = "Ann Operator"

// onPage answers on the page for a room with a screen, as somebody at a browser does.
func (d *desk) onPage(said *watcher) (stop func()) {
	return d.working(func() error {
		select {
		case <-said.seen:
		default:
			return nil
		}
		page := regexp.MustCompile(`http://\S+/\S+`).FindString(said.text()[strings.Index(said.text(), said.want):])
		task, number, err := d.read(page)
		if err != nil || task == "" {
			return err
		}
		if err := d.press(page, url.Values{"task": {number}, "name": {whoSays}, "say": {"begun"}}); err != nil {
			return err
		}
		if err := d.act(task); err != nil {
			return d.press(page, url.Values{"task": {number}, "name": {whoSays}, "say": {"cannot"}, "why": {err.Error()}})
		}
		return d.press(page, url.Values{"task": {number}, "name": {whoSays}, "say": {"done"}})
	})
}

var (
	shownTask   = regexp.MustCompile(`<pre>[^<]*?: ([^(<]*?)(?: \(planned[^<]*|, within[^<]*|\n[^<]*)?</pre>`)
	shownNumber = regexp.MustCompile(`name="task" value="(\d+)"`)
)

// read reads the page: what is asked, and under which number.
func (d *desk) read(page string) (task, number string, err error) {
	res, err := http.Get(page)
	if err != nil {
		return "", "", nil // it is not there yet, or no more
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
		return "", "", errors.Join(err, fmt.Errorf("the page answers %s", res.Status))
	}
	what, n := shownTask.FindSubmatch(body), shownNumber.FindSubmatch(body)
	if n == nil {
		return "", "", nil
	}
	if what == nil {
		return "", "", fmt.Errorf("the page does not say what is asked:\n%s", body)
	}
	return html.UnescapeString(string(what[1])), string(n[1]), nil
}

// press presses a button of the page.
func (d *desk) press(page string, form url.Values) error {
	res, err := http.PostForm(page, form)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		return errors.Join(err, fmt.Errorf("%s: the page answers %s", form.Get("say"), res.Status))
	}
	return nil
}

// inDirectory answers in a directory.
func (d *desk) inDirectory(dir string) (stop func()) { return inDirectory(d.t, dir, d.act) }

// inDirectory answers in a directory what somebody was asked for, once act has done it.
func inDirectory(t *testing.T, dir string, act func(task string) error) (stop func()) {
	say := func(n, word, text string) error {
		path := filepath.Join(dir, n+"."+word)
		return errors.Join(os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path))
	}
	next := 0
	return working(t, func() error {
		n := fmt.Sprintf("%03d", next)
		data, err := os.ReadFile(filepath.Join(dir, n+".task.json"))
		if err != nil {
			return nil // nothing is asked
		}
		next++
		var task struct{ What string }
		if err := json.Unmarshal(data, &task); err != nil {
			return err
		}
		if err := act(task.What); err != nil {
			return say(n, "cannot", err.Error())
		}
		return say(n, "done", whoSays)
	})
}

// atTerminal answers at the terminal of the run: what is shown there is in said, what is typed goes to keyboard.
func (d *desk) atTerminal(said *watcher, keyboard io.Writer) (stop func()) {
	asked := regexp.MustCompile(`FOR PEOPLE  [^:]*: (?:to take it back, )?[^:\n]*`)
	heard := 0
	return d.working(func() error {
		all := asked.FindAllString(said.text(), -1)
		if len(all) <= heard {
			return nil
		}
		line := all[heard]
		heard++
		for _, task := range []string{taskCut, taskPromote, taskHeal} {
			if !strings.Contains(line, task) {
				continue
			}
			if _, err := io.WriteString(keyboard, "begun "+whoSays+"\n"); err != nil {
				return err
			}
			if err := d.act(task); err != nil {
				_, err = io.WriteString(keyboard, "cannot "+err.Error()+"\n")
				return err
			}
			_, err := io.WriteString(keyboard, "done "+whoSays+"\n")
			return err
		}
		_, err := io.WriteString(keyboard, "cannot nobody knows how\n")
		return errors.Join(err, fmt.Errorf("nobody knows how to do %q", line))
	})
}

func (d *desk) working(do func() error) (stop func()) { return working(d.t, do) }

// working does something again and again until it is stopped; an error is one of the test.
func working(t *testing.T, do func() error) (stop func()) {
	end := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		for {
			if err := do(); err != nil {
				t.Errorf("the firm's people: %v", err)
				return
			}
			select {
			case <-end:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return sync.OnceFunc(func() { close(end); work.Wait() })
}

// openTerminal makes a pseudo terminal: what is written to keyboard is read from screen, as from somebody who types.
func openTerminal() (keyboard, screen *os.File, err error) {
	keyboard, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(keyboard.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		_ = keyboard.Close()
	}
	return keyboard, screen, err
}
