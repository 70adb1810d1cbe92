package evidence

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackstart/evidence/register"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

const registeredCheck = "run was opened in its register"

// aRegister is one in a directory, with a key made from a word.
func aRegister(t *testing.T, word string) (*register.Log, *register.Key) {
	t.Helper()
	key, err := register.NewKey("example.org/drills", ed25519.NewKeyFromSeed([]byte(seal.Digest([]byte(word))[:32])))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := register.MakeDir(t.TempDir())
	if err == nil {
		err = register.Init(t.Context(), dir, key)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := register.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return l, key
}

// openRun opens a run as it would be, but for what change does.
func openRun(t *testing.T, l *register.Log, key *register.Key, in Inputs, sha string, at time.Time, change func(by *string, at *time.Time, o *register.Opened)) register.Opening {
	t.Helper()
	by, body := in.Executor, OpenedEntry(in, sha, harness.Scenario{Metadata: harness.Metadata{Name: "pack"}}, NewRedactor())
	change(&by, &at, body)
	o, err := l.Append(t.Context(), key, by, at, register.KindOpened, body)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// registeredHonest is an honest pack whose run was opened in a register.
func registeredHonest(t *testing.T) (*honest, *register.Log, *register.Key) {
	t.Helper()
	l, key := aRegister(t, "the register's")
	tool := seal.Digest([]byte("this build"))
	dir := t.TempDir()
	h, j := recordedBy(t, dir, func(in *Inputs) { in.Register, in.ToolSHA256, in.Profile = key.Verifier(), tool, "fast" }, func(j *Journal, dir string) {
		in, sha, err := ReadInputs(dir)
		if err == nil {
			err = j.Opened(openRun(t, l, key, in, sha, j.clock.Now().Time(), func(*string, *time.Time, *register.Opened) {}))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	h.rec.Register, h.rec.Tool.SHA256, h.rec.Profile = key.Verifier(), tool, "fast"
	h.rec.Started = h.rec.Ended
	h.bindAndSeal(t, dir, j)
	return h, l, key
}

// retold is event 1 with another detail, chained anew. The run's key is not the forger's: what it signed fails, too.
func retold(t *testing.T, log []byte, detail map[string]string) []byte {
	t.Helper()
	lines := bytes.SplitAfter(log, []byte("\n"))
	var e struct {
		Seq  int64  `json:"seq"`
		Prev string `json:"prev"`
		harness.Event
	}
	if err := json.Unmarshal(lines[1], &e); err != nil {
		t.Fatal(err)
	}
	e.Detail = detail
	line, err := marshalLine(e)
	if err != nil {
		t.Fatal(err)
	}
	lines[1] = line
	return rechain(t, bytes.Join(lines, nil))
}

func marshalLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

func detailOf(t *testing.T, h *honest) map[string]string {
	t.Helper()
	k, err := ReadKept(h.reseal(t))
	if err != nil {
		t.Fatal(err)
	}
	return k.Opening.Detail()
}

// TestRegisteredPackIsAccepted, and says where it was opened.
func TestRegisteredPackIsAccepted(t *testing.T) {
	h, l, key := registeredHonest(t)
	pack := h.reseal(t)
	c := h.verifyBy(t, pack, seal.Digest([]byte("another build")))
	if c.Err() != nil || c.Opened == nil || c.Opened.Index != 0 {
		t.Fatalf("opened %v, %v", c.Opened, c.Err())
	}
	kept, err := ReadKept(pack)
	if err != nil || kept.Key != key.Verifier() || kept.Run != h.rec.RunID || l.Compare(kept.Opening) != nil {
		t.Errorf("kept of run %s: %v", kept.Run, err)
	}
	ending, err := Ending(pack, 0)
	if err != nil || ending.Result != register.Inconclusive || ending != kept.Ending || ending.Signature == "" || ending.Exit != harness.ExitInconclusive {
		t.Errorf("ending %+v, %v", ending, err)
	}
	h.rec.Started = h.rec.Anchor - 1
	h.judgeAgain(t, madeSamples)
	if why := failedCheck(h.verify(t, h.reseal(t)), registeredCheck); !strings.Contains(why, "not made before the run started") {
		t.Errorf("a run that started before it was opened: %q", why)
	}
	if kept, err := ReadKept(makeHonest(t).reseal(t)); err != nil || kept.Key != "" {
		t.Errorf("a pack without a register: %q, %v", kept.Key, err)
	}
}

// TestEntryMadeForAnotherRunIsFound: entry, proof and checkpoint are all good, signed by the register's own key, and one field of
// the entry is not what was asked.
func TestEntryMadeForAnotherRunIsFound(t *testing.T) {
	h, _, key := registeredHonest(t)
	in, sha, err := ReadInputs(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(h.path(seal.EventsFile))
	if err != nil {
		t.Fatal(err)
	}
	attacks := map[string]func(by *string, at *time.Time, o *register.Opened){
		"by":   func(by *string, _ *time.Time, _ *register.Opened) { *by = "somebody else" },
		"late": func(_ *string, at *time.Time, _ *register.Opened) { *at = at.Add(time.Hour) },
	}
	for i := range reflect.TypeFor[register.Opened]().NumField() {
		attacks[reflect.TypeFor[register.Opened]().Field(i).Tag.Get("json")] = func(_ *string, _ *time.Time, o *register.Opened) {
			switch f := reflect.ValueOf(o).Elem().Field(i); {
			case f.Kind() == reflect.Slice:
				f.Set(reflect.ValueOf([]string{"rto: rto at most 1h"}))
			case len(f.String()) == 64:
				f.SetString(seal.Digest([]byte("another")))
			default:
				f.SetString(f.String() + "x")
			}
		}
	}
	for name, change := range attacks {
		l, _ := aRegister(t, "the register's")
		o := openRun(t, l, key, in, sha, h.rec.Anchor.Time(), change)
		h.change(t, seal.EventsFile, func([]byte) []byte { return retold(t, log, o.Detail()) })
		why := failedCheck(h.verify(t, h.reseal(t)), registeredCheck)
		if !strings.Contains(why, "the register's entry 0 was ") {
			t.Errorf("%s: said %q", name, why)
		}
	}
}

// TestWhatIsToldOfTheRegisterIsChecked: each part of event 1 altered, missing or of another register, at another place or gone.
func TestWhatIsToldOfTheRegisterIsChecked(t *testing.T) {
	h, _, _ := registeredHonest(t)
	log, err := os.ReadFile(h.path(seal.EventsFile))
	if err != nil {
		t.Fatal(err)
	}
	honest := detailOf(t, h)
	forged := map[string][]byte{}
	for part := range honest {
		altered, without := map[string]string{}, map[string]string{}
		for k, v := range honest {
			altered[k], without[k] = v, v
		}
		altered[part] = strings.Replace(strings.Replace(honest[part]+"1", "a", "b", 1), "0", "1", 1)
		delete(without, part)
		forged[part+" altered"], forged[part+" missing"] = retold(t, log, altered), retold(t, log, without)
	}
	l, key := aRegister(t, "a stranger's")
	in, sha, err := ReadInputs(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	stranger := openRun(t, l, key, in, sha, h.rec.Anchor.Time(), func(*string, *time.Time, *register.Opened) {})
	forged["another register"] = retold(t, log, stranger.Detail())
	lines := bytes.SplitAfter(log, []byte("\n"))
	renumber := func(lines [][]byte) []byte {
		var out []byte
		for i, line := range lines {
			if at := bytes.IndexByte(line, ','); at > 0 {
				line = append([]byte(`{"seq":`+strconv.Itoa(i)), line[at:]...)
			}
			out = append(out, line...)
		}
		return rechain(t, out)
	}
	forged["no event"] = renumber(append([][]byte{lines[0]}, lines[2:]...))
	for name, log := range forged {
		h.change(t, seal.EventsFile, func([]byte) []byte { return log })
		c := h.verify(t, h.reseal(t))
		if failedCheck(c, registeredCheck) == "" {
			t.Errorf("%s: accepted by the check: %v", name, c.Err())
		}
		if _, err := ReadKept(h.reseal(t)); err == nil {
			t.Errorf("%s: register verify takes it", name)
		}
	}
	late := renumber(append([][]byte{lines[0], lines[2], lines[1]}, lines[3:]...))
	h.change(t, seal.EventsFile, func([]byte) []byte { return late })
	if c := h.verify(t, h.reseal(t)); c.Err() == nil || !strings.Contains(c.Err().Error(), "stands as event 1 or not at all") {
		t.Errorf("as event 2: %v", c.Err())
	}
	plain := makeHonest(t)
	plain.change(t, seal.EventsFile, func(log []byte) []byte {
		l := bytes.SplitAfter(log, []byte("\n"))
		return renumber(append([][]byte{l[0], lines[1]}, l[1:]...))
	})
	if why := failedCheck(plain.verify(t, plain.reseal(t)), registeredCheck); !strings.Contains(why, "the inputs name none") {
		t.Errorf("a register that no inputs name: %q", why)
	}
}

// failedCheck is what a failed check of a name says; "" if it did not fail.
func failedCheck(c Checked, name string) string {
	for _, k := range c.Failures() {
		if k.Name == name {
			return k.Detail
		}
	}
	return ""
}

// TestReasonsAreShort: of any length and in any bytes.
func TestReasonsAreShort(t *testing.T) {
	for _, text := range []string{"", "\xff", strings.Repeat("ü", 5000), "two\nlines", strings.Repeat("\xffa", 3000)} {
		if got := ShortReason(text); got == "" || len(got) > maxRegisterReason || strings.Contains(got, "\n") || strings.Contains(got, "\xff") {
			t.Errorf("%.20q gives %.20q of %d bytes", text, got, len(got))
		}
	}
}

// TestManyWordsAreADigest: an entry has to stay short.
func TestManyWordsAreADigest(t *testing.T) {
	if got := fewWords([]string{strings.Repeat("x", maxWords), "y"}); len(got) != 1 || !strings.HasPrefix(got[0], "2, SHA-256 ") {
		t.Errorf("%.50q", got)
	}
}

// TestEveryWordOfAnObjectiveIsTold, and of a fault: a field that changes without the line would change unseen from run to run.
func TestEveryWordOfAnObjectiveIsTold(t *testing.T) {
	var o harness.Objective
	var f harness.FaultSpec
	for spec, line := range map[any]func() string{&o: func() string { return objectiveLine(o) }, &f: func() string { return faultLine(f) }} {
		v := reflect.ValueOf(spec).Elem()
		plain := line()
		for i := range v.NumField() {
			switch field := v.Field(i); field.Kind() {
			case reflect.String:
				field.SetString("x")
			case reflect.Int64:
				field.SetInt(int64(time.Second))
			case reflect.Bool:
				field.SetBool(true)
			case reflect.Map:
				field.Set(reflect.MakeMap(field.Type()))
				field.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
			default:
				t.Errorf("%s of %s: a kind that this test does not know", v.Type().Field(i).Name, v.Type())
			}
			if line() == plain {
				t.Errorf("%s of %s is not told: %q", v.Type().Field(i).Name, v.Type(), plain)
			}
			v.Field(i).SetZero()
		}
	}
}
