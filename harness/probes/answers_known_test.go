package probes

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"blackstart/harness"

	"github.com/miekg/dns"
)

func TestAnswersAreKeptAsTheyCame(t *testing.T) {
	e := newEntry(t)
	asOf, _ := time.Parse(time.RFC3339Nano, entryAsOf)
	right := [3]string{"public", "doc-1", "t"}
	six := [][3]string{right, right, right, right, right, right}
	for _, tc := range []struct {
		name    string
		status  int
		body    string
		ok      bool
		first   string
		foreign []string
		detail  string
	}{
		{"right", 200, found(right, [3]string{"public", "doc-9", "t"}), true, "doc-1", nil, ""},
		{"wrong", 200, found([3]string{"public", "doc-2", "t"}, right), true, "doc-2", nil, ""},
		{"foreign", 200, found(right, [3]string{"restricted", "doc-7", "t"}), true, "doc-1", []string{"doc-7"}, ""},
		{"nothing found", 200, found(), true, "", nil, ""},
		{"more than asked for", 200, found(six...), false, "", nil, "answer is not well-formed: it has 6 results, 5 were asked for"},
		{"no results", 200, `{"region":"east","build":"1","data_as_of":"` + entryAsOf + `"}`, false, "", nil, "answer is not well-formed: it has no results"},
		{"no age", 200, `{"region":"east","build":"1","results":[]}`, false, "", nil, "answer is not well-formed: it does not say how old its data is (data_as_of)"},
		{"no region", 200, strings.Replace(found(right), "east", "", 1), false, "", nil, "answer is not well-formed: it names no region or no build"},
		{"result without id", 200, found([3]string{"public", "", "t"}), false, "", nil, "answer is not well-formed: a result has no id or no namespace"},
		{"name too long", 200, found([3]string{"public", strings.Repeat("x", 201), "t"}), false, "", nil, "answer is not well-formed: a result has no id or no namespace"},
		{"not JSON", 200, "hello", false, "", nil, "answer is not well-formed: invalid character 'h' looking for beginning of value"},
		{"overloaded", 503, `{"error":"overloaded"}`, false, "", nil, "HTTP 503: overloaded"},
		{"moved", 302, found(right), false, "", nil, "HTTP 302"},
		{"not found", 404, "", false, "", nil, "HTTP 404"},
	} {
		e.says(tc.status, tc.body)
		before := e.connections.Load()
		o := open(t, "answers.known", e.config).Ask(t.Context())
		a := o.Answer
		if o.OK != tc.ok || (o.Value == 1) != tc.ok || !o.Reached || o.Detail != tc.detail || o.On != "entry" || o.At.Never() {
			t.Errorf("%s: got %+v", tc.name, o)
		}
		want := harness.Answer{Question: "q1", Namespace: "public", Text: "intraday liquidity", Right: "doc-1", First: tc.first, Foreign: tc.foreign}
		if tc.ok {
			want.Region, want.Build, want.DataAsOf = "east", "1.2", harness.Stamp(asOf.UnixNano())
		}
		if !reflect.DeepEqual(*a, want) {
			t.Errorf("%s: got %+v, want %+v", tc.name, *a, want)
		}
		if n := e.connections.Load() - before; n != 1 {
			t.Errorf("%s: one question took %d connections", tc.name, n)
		}
	}
}

func TestQuestionsTakeTurnsAndTheMarkerIsOne(t *testing.T) {
	e := newEntry(t)
	e.answer = func(namespace, text string) (int, string) {
		return 200, found([3]string{namespace, text, "blackstart marker v3"}, [3]string{namespace, "blackstart-marker", "blackstart marker v7"})
	}
	p := open(t, "answers.known", e.config)
	for _, want := range []harness.Answer{
		{Question: "q1", Namespace: "public", First: "intraday liquidity"},
		{Question: "q2", Namespace: "research", First: "model risk"},
		{Question: "marker", Namespace: "public", First: "blackstart marker", Right: "blackstart-marker", Version: 7},
		{Question: "q1", Namespace: "public", First: "intraday liquidity"},
	} {
		a := p.Ask(t.Context()).Answer
		if a.Question != want.Question || a.Namespace != want.Namespace || a.First != want.First || a.Version != want.Version ||
			(want.Right != "" && a.Right != want.Right) || len(a.Foreign) != 0 || a.Wrote {
			t.Errorf("got %+v, want %+v", a, want)
		}
	}
	if len(e.config.Target.Questions) != 2 {
		t.Error("the marker's question was put into the description")
	}
	for title, want := range map[string]int64{"blackstart marker v12": 12, "blackstart marker v": 0, "marker v12": 0, "blackstart marker v-1": 0, "blackstart marker v1x": 0} {
		if got := versionOf(title); got != want {
			t.Errorf("%q shows version %d, want %d", title, got, want)
		}
	}
}

func TestAStrictClientSaysWhyItGotNoAnswer(t *testing.T) {
	now := time.Now()
	e := newEntry(t)
	e.says(200, found())
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	good := e.certificate.Load()
	port := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	for _, tc := range []struct {
		name        string
		certificate *tls.Certificate // nil: the good one
		port        int
		resolver    string
		reached     bool
		detail      string
	}{
		{"expired", e.ca.issue(t, entryName, now.Add(-2*time.Hour), now.Add(-time.Hour)), 0, "", true, "certificate expired"},
		{"not valid yet", e.ca.issue(t, entryName, now.Add(time.Hour), now.Add(2*time.Hour)), 0, "", true, "certificate not valid yet"},
		{"other name", e.ca.issue(t, "other.finrag.test", now.Add(-time.Hour), now.Add(time.Hour)), 0, "", true, "certificate for another name"},
		{"other issuer", newIssuer(t).issue(t, entryName, now.Add(-time.Hour), now.Add(time.Hour)), 0, "", true, "certificate of an unknown issuer"},
		{"refused", nil, port(closed), "", false, "connection refused"},
		{"mute", nil, port(mute), "", false, "no answer in time"},
		{"resolver gone", nil, 0, "127.0.0.1:1", false, "resolve the entry's name: connection refused"},
		{"no such name", nil, 0, resolver(t, func(m *dns.Msg, _ string) { m.Rcode = dns.RcodeNameError }), false,
			"resolve the entry's name: the answer is NXDOMAIN and has no address"},
		{"another address", nil, 0, resolver(t, func(m *dns.Msg, _ string) { m.Answer = []dns.RR{record("127.0.0.9")} }), false, "connection refused"},
	} {
		c := e.config
		e.certificate.Store(cmp.Or(tc.certificate, good))
		if tc.port != 0 {
			c.Target.Entry.Port = tc.port
		}
		if tc.resolver != "" {
			c.Target.Entry.Resolver = tc.resolver
		}
		o := open(t, "answers.known", c).Ask(t.Context())
		if o.OK || o.Reached != tc.reached || o.Detail != tc.detail || o.Answer == nil || o.Answer.Question != "q1" || o.Answer.First != "" {
			t.Errorf("%s: got %+v", tc.name, o)
		}
	}
}

// askMarker asks questions until the marker's turn.
func askMarker(t *testing.T, p harness.Probe) *harness.Answer {
	t.Helper()
	return until(t, p, "about the marker", func(o harness.Observation) bool { return o.Answer.Question == "marker" }).Answer
}

// watch runs a probe at its own pace for some time.
func watch(t *testing.T, c harness.ProbeConfig, lasts time.Duration) (kept []harness.Observation, series harness.ProbeSeries) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	series = Run(ctx, open(t, "answers.known", c), answersEvery, c.Clock, func(o harness.Observation) { kept = append(kept, o) })
	return kept, series
}

func TestMarkerGrowsAndAStaleOneShows(t *testing.T) {
	e := newEntry(t)
	version, frozen := "", false
	e.document = func(id, title string) (int, string) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if frozen {
			return http.StatusServiceUnavailable, `{"error":"read-only"}`
		}
		version = title
		return http.StatusOK, `{"region":"east","build":"1.2","id":"` + id + `"}`
	}
	e.answer = func(namespace, text string) (int, string) {
		e.mu.Lock()
		defer e.mu.Unlock()
		return 200, found([3]string{namespace, "blackstart-marker", version})
	}
	p := open(t, "answers.known", e.config).(*markerProbe)
	for v := int64(1); v <= 2; v++ {
		o := p.write(t.Context(), v)
		if !o.OK || !o.Answer.Wrote || o.Answer.Version != v || o.Answer.Region != "east" || o.Answer.Build != "1.2" || o.Detail != "" {
			t.Errorf("write %d: got %+v, %+v", v, o, o.Answer)
		}
		if a := askMarker(t, p); a.Version != v || a.First != "blackstart-marker" {
			t.Errorf("after write %d: %+v", v, a)
		}
	}
	e.mu.Lock()
	frozen = true
	e.mu.Unlock()
	if o := p.write(t.Context(), 3); o.OK || o.Detail != "HTTP 503: read-only" || !o.Reached || o.Answer.Version != 3 {
		t.Errorf("refused write: %+v", o)
	}
	if a := askMarker(t, p); a.Version != 2 {
		t.Errorf("a stale marker shows as %+v", a)
	}
}

func TestProductionIsNotWrittenTo(t *testing.T) {
	for _, class := range []string{harness.Production, "", "prod"} {
		e := newEntry(t)
		e.says(200, found())
		e.config.Target.Environment = class
		kept, _ := watch(t, e.config, 1300*time.Millisecond)
		for _, o := range kept {
			if o.Answer.Wrote || o.Answer.Question == "marker" || !o.OK || !strings.HasPrefix(o.Detail, "no marker is written to a target of class ") {
				t.Errorf("class %q: got %+v", class, o)
			}
		}
		if len(e.titles) != 0 || len(kept) < 4 {
			t.Errorf("class %q: wrote %v, kept %d", class, e.titles, len(kept))
		}
	}
}

// Where nobody asks how old answers are, the marker is neither written nor asked for.
func TestNoMarkerWhereNobodyAsksForAges(t *testing.T) {
	e := newEntry(t)
	e.says(200, found())
	e.config.Marker = false
	kept, _ := watch(t, e.config, 1300*time.Millisecond)
	for _, o := range kept {
		if o.Answer.Wrote || o.Answer.Question == markerQuestion.ID || !o.OK || o.Detail != "" {
			t.Errorf("got %+v, %+v", o, o.Answer)
		}
	}
	if len(e.titles) != 0 || len(kept) < 4 {
		t.Errorf("wrote %v, kept %d", e.titles, len(kept))
	}
}

func TestAHangingWriteDelaysNoQuestion(t *testing.T) {
	e := newEntry(t)
	e.says(200, found())
	e.document = func(string, string) (int, string) { return 200, "{}" }
	e.hang = make(chan struct{})
	kept, series := watch(t, e.config, 2300*time.Millisecond)
	close(e.hang)
	writes, questions, last := 0, 0, harness.Stamp(0)
	for _, o := range kept {
		if o.At.Lo < last {
			t.Errorf("%+v is out of order", o)
		}
		last = o.At.Lo
		var back harness.Observation
		if line, err := json.Marshal(o); err != nil || json.Unmarshal(line, &back) != nil || !reflect.DeepEqual(back, o) {
			t.Errorf("%+v reads back otherwise: %+v", o, back)
		}
		if !o.Answer.Wrote {
			questions++
			if took := o.At.Hi.Sub(o.At.Lo); took > 500*time.Millisecond || !o.OK {
				t.Errorf("a question took %s: %+v", took, o)
			}
			continue
		}
		writes++
		if took := o.At.Hi.Sub(o.At.Lo); o.OK || o.Detail != "no answer in time" || o.Answer.Version != int64(writes) || took > 1500*time.Millisecond {
			t.Errorf("write took %s: %+v %+v", took, o, o.Answer)
		}
	}
	if writes < 2 || questions < 9 || series.Count != len(kept) || series.Probe != "answers.known" || series.On != "entry" {
		t.Errorf("%d writes, %d questions, %+v", writes, questions, series)
	}
}

func TestAnswersKnownRefusesATargetItCannotAsk(t *testing.T) {
	good := newEntry(t).config
	for name, spoil := range map[string]func(*harness.Description){
		"questions": func(d *harness.Description) { d.Questions = nil },
		"name":      func(d *harness.Description) { d.Entry.Name = "" },
		"resolver":  func(d *harness.Description) { d.Entry.Resolver = "" },
		"port":      func(d *harness.Description) { d.Entry.Port = 0 },
		"ca_pem":    func(d *harness.Description) { d.Entry.CAPEM = "" },
	} {
		c := good
		spoil(&c.Target)
		if _, err := (answersFactory{}).Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v", name, err)
		}
	}
}
