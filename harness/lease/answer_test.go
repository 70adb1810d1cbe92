package lease

import (
	"strings"
	"testing"
	"time"
)

const whole = `blackstart-lease 1
outcome changed
why two was found otherwise
lease over run-1 yes host-12 -250 400 100 no 88231
moment 88631 1795996800
result broken repaired 0
ours broken half
said cannot open: No such file
entry two other absent repaired yes 1 88120 1795996700 - -
entry one undone absent absent no 30 88100 1795996600 88620 1795996799
end
`

func TestParse(t *testing.T) {
	a, err := parse([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	s := a.Status
	if s.State != Over || s.Run != "run-1" || !s.Mine || s.By != "host-12" || s.Left != -2500*time.Millisecond || s.TTL != 4*time.Second || s.Every != time.Second || s.Alive ||
		s.Now.Uptime != 886310*time.Millisecond || s.Now.Wall.Unix() != 1795996800 || len(s.Entries) != 2 || s.Entries[0].ID != "one" || s.Entries[0].Undid.Uptime != 886200*time.Millisecond ||
		s.Entries[0].InForce() || !s.Entries[1].InForce() || !s.Entries[1].Undid.Wall.IsZero() {
		t.Errorf("%+v", s)
	}
	if a.Found != "broken" || a.Result.Now != "repaired" || !a.Ran || a.Said != "cannot open: No such file" || strings.Join(a.ours, "|") != "broken|half" {
		t.Errorf("%+v", a)
	}
	const want = "two was absent before the drill, is repaired now, and the drill would have made it broken or half: somebody else has changed it, and nothing was undone"
	if err := a.wrong("undo", "run-1", []string{"two"}); err == nil || err.Error() != want {
		t.Error(err)
	}
	for what, wrong := range map[string]string{
		"cut off":        whole[:len(whole)-5],
		"without a line": strings.Replace(whole, "moment 88631 1795996800\n", "", 1),
		"twice":          strings.Replace(whole, "outcome changed\n", "outcome changed\noutcome ok\n", 1),
		"a number":       strings.Replace(whole, "-250", "-25x", 1),
		"a large number": strings.Replace(whole, "-250", "9999999999999999", 1),
		"a state":        strings.Replace(whole, "lease over", "lease dreaming", 1),
		"an entry":       strings.Replace(whole, "entry two", "entry ../two", 1),
		"a fate":         strings.Replace(whole, "two other", "two lost", 1),
		"words":          strings.Replace(whole, "yes host-12", "yes host 12", 1),
		"another line":   strings.Replace(whole, "ours broken", "theirs broken", 1),
		"another format": strings.Replace(whole, "blackstart-lease 1", "blackstart-lease 2", 1),
		"before it":      "Welcome\n" + whole,
		"a terminal":     strings.Replace(whole, "repaired 0", "\x1b[2J 0", 1),
		"nothing":        "",
	} {
		if _, err := parse([]byte(wrong)); err == nil {
			t.Errorf("%s: it was read", what)
		}
	}
}

// An entry that would not work there is refused before anything is asked.
func TestEntries(t *testing.T) {
	r := &rig{T: t, file: "/nowhere"}
	if err := r.entry("one").wrong(); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(e *Entry){
		"name": func(e *Entry) { e.ID = "../one" }, "no name": func(e *Entry) { e.ID = "" }, "state": func(e *Entry) { e.State = "" }, "do": func(e *Entry) { e.Scripts.Do = "" },
		"undo": func(e *Entry) { e.Scripts.Undo = "" }, "free": func(e *Entry) { e.Free = nil }, "ours": func(e *Entry) { e.Ours = nil }, "both": func(e *Entry) { e.Ours = e.Free },
		"words": func(e *Entry) { e.Ours = []string{"two words"} }, "mark": func(e *Entry) { e.Free = []string{"!late"} }, "most": func(e *Entry) { e.Most = 0 }, "NUL": func(e *Entry) { e.Guard = "\x00" },
	} {
		e := r.entry("one")
		spoil(&e)
		if e.wrong() == nil {
			t.Errorf("%s: it was taken", what)
		}
	}
	for _, c := range [][2]string{{"a/b", "run"}, {"a", "run 1"}, {"", "run"}, {"a", "-x"}} {
		if _, err := New(dash(), c[0], c[1], time.Minute, time.Second); err == nil {
			t.Errorf("%q was made", c)
		}
	}
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("blackstart-lease 1\noutcome ok\nlease none - no - 0 0 0 no 0\nmoment 1 1\nresult - - -\nend\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := parse(text)
		if err != nil {
			return
		}
		for _, word := range []string{a.why, a.Said, a.Found, a.Result.Now, a.Run, a.By, a.outcome} {
			if printable(word) != word {
				t.Errorf("%q was taken", word)
			}
		}
		for _, e := range a.Entries {
			if !idForm.MatchString(e.ID) || e.Most < 1 || printable(e.Found+e.Word) != e.Found+e.Word {
				t.Errorf("%+v was taken", e)
			}
		}
		if err := a.wrong("undo", "run-1", []string{"one"}); err != nil && printable(err.Error()) != err.Error() {
			t.Errorf("%q", err)
		}
	})
}
