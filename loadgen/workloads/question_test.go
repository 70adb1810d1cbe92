package workloads

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"blackstart/loadgen"
)

var known = []Question{
	{ID: "q1", Namespace: "public", Text: "liquidity", Right: "doc-1"},
	{ID: "q2", Namespace: "research", Text: "model risk", Right: "doc-2"},
}

// knows is an entry whose region gives one answer to everything.
func knows(t *testing.T, body string) Entry {
	t.Helper()
	r := newRegion(t, "east", nil)
	r.answer.Store(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	return Entry{Scheme: "http", Name: "127.0.0.1", Port: r.port, Questions: known}
}

func TestAnswersToKnownQuestionsAreChecked(t *testing.T) {
	const head = `{"region":"east","build":"1","data_as_of":"now","results":`
	for name, c := range map[string]struct {
		body string
		want loadgen.Outcome
		text string // of its error, whole
	}{
		"right":        {head + `[{"id":"doc-1","namespace":"public"},{"id":"doc-9","namespace":"public"}]}`, loadgen.OK, ""},
		"second":       {head + `[{"id":"doc-9","namespace":"public"},{"id":"doc-1","namespace":"public"}]}`, loadgen.WrongAnswer, `wrong answer: question q1 got "doc-9", right is "doc-1"`},
		"nothing":      {head + `[]}`, loadgen.WrongAnswer, "wrong answer: question q1 got no results"},
		"no results":   {head + `null}`, loadgen.WrongAnswer, "wrong answer: no region, build or results"},
		"not JSON":     {`hello`, loadgen.WrongAnswer, "wrong answer: invalid character 'h' looking for beginning of value"},
		"foreign":      {head + `[{"id":"doc-1","namespace":"public"},{"id":"doc-7","namespace":"restricted"}]}`, loadgen.ForeignAnswer, `answer from another namespace: question q1 in public got "doc-7" of "restricted"`},
		"foreign wins": {head + `[{"id":"doc-7","namespace":"restricted"}]}`, loadgen.ForeignAnswer, `answer from another namespace: question q1 in public got "doc-7" of "restricted"`},
		"foreign only": {`{"results":[{"id":"doc-1","namespace":""}]}`, loadgen.ForeignAnswer, `answer from another namespace: question q1 in public got "doc-1" of ""`},
		"long id":      {head + `[{"id":"` + strings.Repeat("x", 300) + `","namespace":"public"}]}`, loadgen.WrongAnswer, `wrong answer: question q1 got "` + strings.Repeat("x", maxQuoted) + `", right is "doc-1"`},
	} {
		op := openOp(t, Config{Entry: knows(t, c.body)}, Fresh)
		res := do(t, op, 0)
		errs := op.Errors()
		if res.Outcome != c.want || res.Status != 200 || (c.text == "") != (len(errs) == 0) || (c.text != "" && errs[c.text] != 1) {
			t.Errorf("%s: %s, %v", name, res.Outcome, errs)
		}
	}
}

func TestTextsOfWrongAnswersAreFew(t *testing.T) {
	r := newRegion(t, "east", nil)
	r.answer.Store(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"region":"e","build":"1","results":[{"id":"`+strings.Repeat("y", int(r.hits.Load()%200))+`","namespace":"public"}]}`)
	})
	op := openOp(t, Config{Entry: Entry{Scheme: "http", Name: "127.0.0.1", Port: r.port, Questions: known[:1]}}, Pooled)
	for seq := range uint64(200) {
		do(t, op, seq)
	}
	if got := len(op.Errors()); got > maxTallied+1 {
		t.Errorf("200 wrong answers have %d texts", got)
	}
}

// Each cohort asks every question in turn; the metronome asks what it always asked.
func TestKnownQuestionsTakeTurns(t *testing.T) {
	r := newRegion(t, "east", nil)
	var mu sync.Mutex
	var asked []string
	r.answer.Store(func(w http.ResponseWriter, req *http.Request) {
		var q question
		_ = json.NewDecoder(req.Body).Decode(&q)
		mu.Lock()
		asked = append(asked, q.Namespace+": "+q.Text)
		mu.Unlock()
		_, _ = io.WriteString(w, `{"region":"e","build":"1","results":[{"id":"doc-`+map[string]string{"public": "1", "research": "2"}[q.Namespace]+`","namespace":"`+q.Namespace+`"}]}`)
	})
	entry := Entry{Scheme: "http", Name: "127.0.0.1", Port: r.port, Questions: known}
	play := func(w Workload) string {
		asked = nil
		op, err := w.Open(Config{Timeout: testTimeout, Entry: entry}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = op.(io.Closer).Close() }()
		for seq := range uint64(6) {
			if res := do(t, op, seq); res.Outcome != loadgen.OK {
				t.Errorf("%s", res.Outcome)
			}
		}
		return strings.Join(asked, "; ")
	}
	first, second := "public: liquidity", "research: model risk"
	if got, want := play(&httpQuery{queryWith{Cohorts: []string{"fresh", "pooled"}}}), strings.Join([]string{first, first, second, second, first, first}, "; "); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	if got := play(metronome{}); !strings.HasPrefix(got, DefaultNamespace+": "+questions[0]) || strings.Contains(got, "liquidity;") {
		t.Errorf("the metronome asked %s", got)
	}
}

func TestOpenRefusesBadQuestions(t *testing.T) {
	good := Entry{Scheme: "http", Name: "127.0.0.1", Port: 1}
	for name, spoil := range map[string]func(*Entry){
		"id":        func(e *Entry) { e.Questions = []Question{{Namespace: "n", Text: "t", Right: "r"}} },
		"namespace": func(e *Entry) { e.Questions = []Question{{ID: "i", Text: "t", Right: "r"}} },
		"text":      func(e *Entry) { e.Questions = []Question{{ID: "i", Namespace: "n", Right: "r"}} },
		"right":     func(e *Entry) { e.Questions = []Question{{ID: "i", Namespace: "n", Text: "t"}} },
		"body":      func(e *Entry) { e.Questions, e.Body = known, []byte("{}") },
		"method":    func(e *Entry) { e.Questions, e.Method = known, "GET" },
	} {
		e := good
		spoil(&e)
		if _, err := (&httpQuery{}).Open(Config{Entry: e}, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	body := []byte(`{"region":"east","build":"0.9.0-12","data_as_of":"2026-01-05T10:00:00.435571Z","results":[` +
		strings.Repeat(`{"id":"seed-000123","namespace":"public","title":"Alder Bank: quarterly report Q3 2021","score":0.412345},`, 4) +
		`{"id":"seed-000999","namespace":"public","title":"Elm Logistics: audit letter Q1 2019","score":0.3}]}`)
	q := Question{ID: "q", Namespace: "public", Text: "t", Right: "seed-000123"}
	for name, check := range map[string]func([]byte) error{"standing": checkAnswer, "known": q.check} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := check(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
