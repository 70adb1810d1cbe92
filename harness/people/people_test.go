package people

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

var task = harness.PersonTask{What: "cut the rack off", By: "operator", Takes: harness.Duration(time.Minute)}

// way is one way to ask people, as a test plays the people.
type way struct {
	people harness.People
	says   func(t *testing.T, word, text string) // begun, done and cannot
}

// ways are all that exist.
func ways(t *testing.T) map[string]way {
	t.Helper()
	dir := t.TempDir()
	in, typed := io.Pipe()
	page, err := ServePage("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { page.Close(); _ = typed.Close() })
	return map[string]way{
		"directory": {&Directory{Path: dir}, func(t *testing.T, word, text string) {
			t.Helper()
			for { // what is asked is there before anybody answers
				if _, err := os.Stat(filepath.Join(dir, "000.task.json")); err == nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			path := filepath.Join(dir, "000."+word)
			if err := errors.Join(os.WriteFile(path+".new", []byte(text+"\n"), 0o600), os.Rename(path+".new", path)); err != nil {
				t.Error(err)
			}
		}},
		"terminal": {Terminal(in, io.Discard), func(t *testing.T, word, text string) {
			t.Helper()
			if _, err := io.WriteString(typed, word+" "+text+"\n"); err != nil {
				t.Error(err)
			}
		}},
		"page": {page, func(t *testing.T, word, text string) {
			t.Helper()
			for {
				res, err := http.Get(page.URL())
				if err != nil {
					t.Error(err)
					return
				}
				body, _ := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if strings.Contains(string(body), task.What) {
					break
				}
				time.Sleep(time.Millisecond)
			}
			page.mu.Lock()
			n := strconv.Itoa(page.n)
			page.mu.Unlock()
			form := url.Values{"say": {word}, "name": {text}, "task": {n}}
			if word == "cannot" {
				form = url.Values{"say": {word}, "name": {"Cy"}, "why": {text}, "task": {n}}
			}
			res, err := http.PostForm(page.URL(), form)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Errorf("%v, %v", res, err)
				return
			}
			_ = res.Body.Close()
		}},
	}
}

// TestEachWayHearsWhatPeopleSay: begun and done with their names, or why it cannot be done.
func TestEachWayHearsWhatPeopleSay(t *testing.T) {
	for name, w := range ways(t) {
		t.Run(name, func(t *testing.T) {
			heard := make(chan string, 1)
			go func() {
				w.says(t, "begun", "Ann")
				select {
				case <-heard:
				case <-time.After(5 * time.Second):
					t.Error("nobody heard that it has begun")
				}
				w.says(t, "done", "Ben")
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var begun string
			who, err := w.people.Ask(ctx, task, func(who string) { begun = who; heard <- who })
			if err != nil || begun != "Ann" || who != "Ben" {
				t.Errorf("begun %q, done %q, %v", begun, who, err)
			}
		})
	}
	for name, w := range ways(t) {
		t.Run(name+" cannot", func(t *testing.T) {
			go w.says(t, "cannot", "no key")
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := w.people.Ask(ctx, task, func(string) {})
			var cannot *Cannot
			if !errors.As(err, &cannot) || !strings.Contains(err.Error(), "no key") {
				t.Error(err)
			}
		})
		t.Run(name+" silent", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := w.people.Ask(ctx, task, func(string) {}); err == nil {
				t.Error("nobody said anything, and it is done")
			}
		})
	}
}

// A name that cannot stand on record ends the asking in a directory, and is asked for again where somebody can be told.
func TestNamesThatCannotStandOnRecord(t *testing.T) {
	for _, name := range []string{"", " ", "a\x1b[2J", strings.Repeat("x", maxName+1), "two\nlines"} {
		if _, err := named(name); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
	page, err := ServePage("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	for _, c := range []struct {
		path   string
		form   url.Values
		status int
	}{{"/" + page.Secret(), url.Values{"say": {"done"}}, http.StatusBadRequest}, {"/" + page.Secret(), url.Values{"say": {"done"}, "name": {"Ann"}, "task": {"7"}}, http.StatusConflict}, {"/guess", url.Values{"say": {"done"}, "name": {"Eve"}}, http.StatusNotFound}} {
		r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		page.server.Handler.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d", c.path, w.Code)
		}
	}
}

// What was left in a directory by another drill is not taken for an answer.
func TestADirectoryWithTasksOfBefore(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"000.task.json", "000.done", "001.done"} { // of the second the task was cleaned away
		if err := os.WriteFile(filepath.Join(dir, f), []byte("Zoe"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if who, err := (&Directory{Path: dir}).Ask(ctx, task, func(string) {}); err == nil {
		t.Errorf("%s said it before it was asked", who)
	}
	if _, err := os.Stat(filepath.Join(dir, "002.task.txt")); err != nil {
		t.Error(err)
	}
}

// A pipe or a link in the place of an answer is refused, and holds nobody.
func TestADirectoryWithWhatIsNoFile(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"pipe": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"link": func(path string) error { return os.Symlink("/etc/hostname", path) },
	} {
		for _, answer := range []string{"begun", "done", "cannot"} {
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			go func() {
				for ctx.Err() == nil {
					if _, err := os.Stat(filepath.Join(dir, "000.task.json")); err == nil {
						if err := plant(filepath.Join(dir, "000."+answer)); err != nil {
							t.Error(err)
						}
						return
					}
				}
			}()
			_, err := (&Directory{Path: dir}).Ask(ctx, task, func(string) {})
			var cannot *Cannot
			if err == nil || errors.As(err, &cannot) || ctx.Err() != nil {
				t.Errorf("a %s for %s: %v", name, answer, err)
			}
			cancel()
		}
	}
}

// What was typed before a task was asked answers what was asked then.
func TestALineOfBeforeIsNoAnswer(t *testing.T) {
	in, typed := io.Pipe()
	defer typed.Close()
	terminal := Terminal(in, io.Discard)
	go func() { _, _ = io.WriteString(typed, "done Ann\ndone Ann\n") }()
	if who, err := terminal.Ask(t.Context(), task, func(string) {}); err != nil || who != "Ann" {
		t.Fatal(who, err)
	}
	time.Sleep(20 * time.Millisecond) // the second line is read by now, and waits
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if who, err := terminal.Ask(ctx, task, func(string) {}); err == nil {
		t.Errorf("%s said it before it was asked", who)
	}
}

func TestOpen(t *testing.T) {
	for _, way := range []string{"", "dir:", "dir:/nowhere/at/all", "http://nothing", "pigeon", "https://127.0.0.1:0"} {
		if _, _, err := Open(way, nil, func(string) {}); err == nil {
			t.Errorf("%q is a way", way)
		}
	}
	p, stop, err := Open("http://127.0.0.1:0", nil, func(s string) {
		if !strings.Contains(s, "http://127.0.0.1:") {
			t.Error(s)
		}
	})
	if err != nil || p == nil {
		t.Fatal(err)
	}
	stop()
}
