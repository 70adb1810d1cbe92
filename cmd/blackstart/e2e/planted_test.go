package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"blackstart/harness/targets/postgres"
)

// search looks for planted secrets, in every form in which one may have been written.
type search struct {
	t     *testing.T
	forms map[string][]byte // by what it is, and how it is written
	read  int               // texts that were looked at
}

func newSearch(t *testing.T, planted map[string]string) *search {
	s := &search{t: t, forms: map[string][]byte{}}
	for name, secret := range planted {
		if len(secret) < 12 {
			t.Fatalf("%s is too short to be looked for", name)
		}
		quoted, err := json.Marshal(secret)
		must(t, err)
		forms := map[string]string{"as it is": secret, "in hex": hex.EncodeToString([]byte(secret)), "in HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
			"in a URL": url.QueryEscape(secret), "in a path": url.PathEscape(secret), "in JSON": string(quoted[1 : len(quoted)-1])}
		for shift := range 3 { // wherever it stands in what is encoded, these letters of it do not depend on what is around it
			inner := secret[(3-shift)%3:]
			inner = inner[:len(inner)/3*3]
			forms["in base64, "+strconv.Itoa(shift)] = base64.StdEncoding.EncodeToString([]byte(inner))
			forms["in base64 of URLs, "+strconv.Itoa(shift)] = base64.URLEncoding.EncodeToString([]byte(inner))
		}
		for how, form := range forms {
			s.forms[name+" "+how] = []byte(form)
		}
	}
	return s
}

// in looks at one text, but for secrets of these names.
func (s *search) in(where string, text []byte, but ...string) {
	s.t.Helper()
	s.read++
	for _, name := range s.found(text) {
		if !slices.ContainsFunc(but, func(b string) bool { return strings.HasPrefix(name, b) }) {
			s.t.Errorf("%s holds the secret: %s", where, name)
		}
	}
}

// found names what a text holds.
func (s *search) found(text []byte) (all []string) {
	for name, form := range s.forms {
		if bytes.Contains(text, form) {
			all = append(all, name)
		}
	}
	return all
}

// TestTheSearchFinds: a secret is found in each form, wherever it stands in what is encoded.
func TestTheSearchFinds(t *testing.T) {
	const secret = "pl4nted \"+/=? of this test"
	s := newSearch(t, map[string]string{"it": secret})
	quoted, err := json.Marshal("is " + secret)
	must(t, err)
	texts := map[string]string{"it as it is": "x" + secret, "it in JSON": string(quoted), "it in a URL": url.Values{"a": {secret}}.Encode(), "it in a path": url.PathEscape("a" + secret),
		"it in hex": hex.EncodeToString([]byte("ab" + secret)), "it in HEX": strings.ToUpper(hex.EncodeToString([]byte(secret + "a")))}
	for before := range 3 {
		around := strings.Repeat("a", before) + secret + "zz"
		texts["it in base64, "+strconv.Itoa(before)] = base64.StdEncoding.EncodeToString([]byte(around))
		texts["it in base64 of URLs, "+strconv.Itoa(before)] = base64.RawURLEncoding.EncodeToString([]byte(around))
	}
	for form, text := range texts {
		if !slices.Contains(s.found([]byte(text)), form) {
			t.Errorf("%s is not found in %s", form, text)
		}
	}
	if got := s.found([]byte("nothing planted")); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// inFiles looks at every file below a directory: into archives and PDFs, too.
func (s *search) inFiles(dir string) {
	s.t.Helper()
	must(s.t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		s.inFile(path, data)
		return err
	}))
}

// inFile looks at a file as it is, and at what it is made of.
func (s *search) inFile(path string, data []byte) {
	s.t.Helper()
	s.in(path, data)
	switch {
	case bytes.HasPrefix(data, []byte("%PDF-")):
		name := filepath.Join(s.t.TempDir(), "a.pdf")
		must(s.t, os.WriteFile(name, data, 0o600))
		plain, err := exec.Command("qpdf", "--qdf", "--object-streams=disable", name, "-").Output()
		if err != nil || len(plain) < len(data)/2 {
			s.t.Fatalf("qpdf %s: %v", path, err)
		}
		s.in(path+" (its streams)", plain)
		text, err := exec.Command("pdftotext", name, "-").Output()
		if err != nil || len(text) == 0 {
			s.t.Fatalf("pdftotext %s: %v", path, err)
		}
		s.in(path+" (its text)", bytes.ReplaceAll(text, []byte("\n"), nil))
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		must(s.t, err)
		for _, f := range z.File {
			r, err := f.Open()
			must(s.t, err)
			inner, err := io.ReadAll(r)
			must(s.t, err)
			s.inFile(path+"/"+f.Name, inner)
		}
	}
}

// sampler keeps, while a drill runs, what others can see of it: arguments and environments of its processes, and what its sessions say
// of themselves to the database.
type sampler struct {
	mu   sync.Mutex
	seen map[string][]byte // by where: each text once
	n    int
}

func (s *sampler) keep(where string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	s.seen[where+"\x00"+string(text)] = text
}

// sample looks at process pid and its descendants, and at the sessions of the firm's databases, until it is stopped.
func (d *desk) sample(pid int) (s *sampler, stop func()) {
	s = &sampler{seen: map[string][]byte{}}
	next := time.Now()
	return s, d.working(func() error {
		ours, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline")) // it may have ended
		for _, p := range descendants(pid) {
			whose := "a child's "
			for _, file := range []string{"cmdline", "environ"} { // in this order: what has our arguments has not begun its own program yet, and has our environment
				text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p), file))
				if file == "cmdline" && (p == pid || bytes.Equal(text, ours)) {
					whose = "our "
				}
				if err == nil && len(text) > 0 {
					s.keep(whose+file, text)
				}
			}
		}
		if time.Now().Before(next) {
			return nil
		}
		next = time.Now().Add(500 * time.Millisecond)
		for _, c := range []*postgres.Cluster{d.east, d.west} {
			var text string
			if err := d.one(c, "SELECT coalesce(string_agg(concat_ws(' ', usename, application_name, query), E'\\n'), '') FROM pg_stat_activity WHERE usename = 'watcher'", &text); err != nil {
				return err
			}
			s.keep("pg_stat_activity", []byte(text))
		}
		return nil
	})
}

// descendants are a process and all that it has started.
func descendants(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(all[i]), "task", "*", "children"))
		for _, t := range tasks {
			text, _ := os.ReadFile(t) // it may have ended meanwhile
			for _, f := range strings.Fields(string(text)) {
				if n, err := strconv.Atoi(f); err == nil {
					all = append(all, n)
				}
			}
		}
	}
	return all
}

// in looks at all that was seen. What the environment of the tool itself was given it may have.
func (s *sampler) in(look *search, given string) {
	look.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := ""
	for where, text := range s.seen {
		where, _, _ = strings.Cut(where, "\x00")
		if where == "our environ" {
			look.in(where, text, given)
		} else {
			look.in(where, text)
		}
		all += where + "\n" + string(text) + "\n"
	}
	for _, must := range []string{"our cmdline", "our environ", "a child's cmdline", "a child's environ", "watcher blackstart"} {
		if !strings.Contains(all, must) {
			look.t.Errorf("in %d looks nobody saw %q", s.n, must)
		}
	}
}
