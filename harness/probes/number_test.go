package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"blackstart/harness"
	"blackstart/harness/targets/procs"
	"blackstart/internal/registry"
)

func TestNumbers(t *testing.T) {
	now := time.Date(2026, 11, 29, 7, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		text, unit string
		want       int64
		wrong      string
	}{
		{"7", "", 7, ""}, {" -7\n", "count", -7, ""}, {"7.0", "count", 7, ""}, {"7e2", "bytes", 700, ""}, {"true", "", 1, ""}, {"f", "", 0, ""},
		{"0.0125", "share", 12_500, ""}, {"1.5", "seconds", 1_500_000_000, ""}, {"0.25", "milliseconds", 250_000, ""},
		{"2026-11-29T06:59:30Z", "age", int64(30 * time.Second), ""}, {"1795935570.5", "age", int64(29500 * time.Millisecond), ""},
		{"2026-11-29T07:00:00.4Z", "age", 0, ""}, {"0001-01-01T00:00:00Z", "age", 0, "centuries ago"},
		{"true", "age", 0, "no number"}, {"t", "seconds", 0, "no number"}, {"false", "share", 0, "no number"}, {"2026-11-29T07:00:30Z", "age", 0, "ahead of our clock"}, {"2026-11-29T06:59:30Z", "", 0, "no number"},
		{"7.5", "", 0, "no whole number"}, {"", "", 0, "no number"}, {"NaN", "share", 0, "no number"}, {"+Inf", "", 0, "no number"}, {"1/2", "share", 0, "no number"},
		{"0x10", "", 0, "no number"}, {"1e999999999", "", 0, "no number"}, {"1e50", "", 0, "too large"}, {"1_000", "", 0, "no number"}, {"s3cret", "", 0, "(6 bytes)"},
	} {
		got, err := number(c.text, c.unit, now)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) || err == nil && got != c.want {
			t.Errorf("%q in %q: %d, %v", c.text, c.unit, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v: what somebody else says goes into packs", err)
		}
	}
}

// FuzzAnswers: whatever somebody answers makes no probe panic, and what is not good has no value.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{`{"orders": {"open": 7}}`, `{"members": [{"name": "b", "role": "leader", "lag": 1}]}`, "7\n", "1e99", "role:master\r\n",
		`{"status": "success", "data": {"resultType": "vector", "result": [{"value": [1, "2"]}]}}`, `{"status":"success","data":{"resultType":"scalar","result":[1,"NaN"]}}`, "[[["} {
		f.Add([]byte(seed), 200)
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		for _, unit := range []string{"count", "share", "age", "seconds"} {
			get := getFactory{getWith{Pointer: "/orders/open", Unit: unit}}
			query := prometheusFactory{prometheusWith{Unit: unit}}
			run := runFactory{runWith{Unit: unit}}
			info := infoFactory{infoWith{Field: "role", Unit: unit}}
			patroni := patroniFactory{patroniWith{Value: []string{"leaders", "lag", "leads"}[len(body)%3], Member: "b"}}
			for kind, judge := range map[string]func() (reply, error){
				getName:        func() (reply, error) { return get.judge(status, body, regexp.MustCompile(""), now) },
				prometheusName: func() (reply, error) { return query.judge(status, body, now) }, patroniName: func() (reply, error) { return patroni.judge(body) },
				runName:  func() (reply, error) { return run.judge(procs.Answer{Stdout: body, Code: status % 2}, now) },
				infoName: func() (reply, error) { return info.judge(map[string]string{"role": string(body)}, now) },
			} {
				p := &asking{clock: harness.NewClock(), kind: kind, ask: func(context.Context) (reply, error) { return judge() }}
				if o := p.Ask(t.Context()); !utf8.ValidString(o.Detail) || len(o.Detail) > maxDetail || !o.OK && o.Value != 0 {
					t.Errorf("%s: %+v", kind, o)
				}
			}
		}
	})
}

// What is wrong with a listed probe is said with its key, and what to write.
func TestWrongParameters(t *testing.T) {
	for _, c := range []struct {
		probe string
		with  harness.With
		every time.Duration
		key   string
	}{
		{getName, harness.With{"path": "health"}, 0, "with.path"}, {getName, harness.With{"path": "//evil/"}, 0, ""}, {getName, harness.With{"matches": "("}, 0, "with.matches"},
		{getName, harness.With{"pointer": "a"}, 0, "with.pointer"}, {getName, harness.With{"is": "up"}, 0, "with.pointer"}, {getName, harness.With{"atMost": "1"}, 0, "with.pointer"},
		{getName, harness.With{"pointer": "/a", "is": "up", "unit": "count"}, 0, "with.is"}, {getName, harness.With{"pointer": "/a", "atMost": "1s"}, 0, "with.atMost"},
		{getName, harness.With{"pointer": "/a", "atMost": "1s", "unit": "age"}, 0, ""}, {getName, nil, 50 * time.Millisecond, "every"}, {getName, nil, 2 * time.Hour, "every"},
		{queryName, harness.With{"query": "DELETE FROM a"}, 0, "with.query"}, {queryName, harness.With{"query": "(SELECT 1)"}, 0, ""},
		{infoName, harness.With{"section": "server", "field": "a", "is": "b", "unit": "count"}, 0, "with.unit"}, {patroniName, harness.With{"value": "lag"}, 0, "with.member"},
		{patroniName, harness.With{"value": "leaders", "member": "a"}, 0, "with.member"}, {patroniName, harness.With{"value": "leads", "member": "a"}, 0, ""},
		{prometheusName, harness.With{"query": "up", "path": "x"}, 0, "with.path"}, {prometheusName, harness.With{"query": "up"}, 500 * time.Millisecond, "every"},
		{runName, harness.With{"argv": []any{}}, 0, "with.argv"}, {runName, harness.With{"argv": []any{"curl", "-u", "me:s3cretpassw0rd"}}, 0, "with.argv"},
		{runName, harness.With{"argv": []any{"true"}, "within": "1m"}, 0, "with.within"}, {runName, harness.With{"argv": []any{"true"}}, 0, ""},
		{harness.ProbeHealth, nil, 100 * time.Millisecond, "every"}, {harness.ProbeHealth, nil, time.Second, ""}, {"no.such", nil, 1, ""},
	} {
		key, wrong, hint := Wrong(harness.ProbeSpec{ID: "p", Probe: c.probe, With: c.with, Every: harness.Duration(c.every)})
		if key != c.key || (key == "") != (wrong == "") || (key == "") != (hint == "") || strings.Contains(wrong+hint, "s3cret") {
			t.Errorf("%s %v: %s %s: %s", c.probe, c.with, key, wrong, hint)
		}
	}
	if _, ok := TraitsOf(harness.ProbeSpec{Probe: getName, With: harness.With{"no": "such"}}); ok {
		t.Error("a parameter that does not exist")
	}
}

// A listed probe takes the place of one that would ask the same, and one that cannot be asked says why.
func TestListedProbesAreOpened(t *testing.T) {
	kind, _ := Probes.Get(harness.ProbeHealth)
	s := harness.RunningTarget{Target: full(t), Clock: harness.NewClock(), Access: noPath}
	s.Target.Environment = harness.Production
	runs := Open([]registry.Kind[Factory]{kind}, []harness.ProbeSpec{
		{ID: "west", Probe: harness.ProbeHealth, On: "standby", Every: harness.Duration(2 * time.Second)}, {ID: "west", Probe: connectName, On: "east.db"},
		{ID: "gone", Probe: connectName, On: "north.db"}, {ID: "odd", Probe: "no.such"}, {ID: "bad", Probe: queryName, On: "east.db"}, {ID: "no-way", Probe: connectName, On: "east.db"},
	}, s, false)
	want := []string{"west http.health west.api standby 2s  ", "west tcp.connect   0s another probe is listed", "gone tcp.connect   0s target test has neither", "odd no.such   0s no probe of kind",
		"bad sql.query   0s sql.query", "no-way tcp.connect east.db primary 0s no path", " http.health east.api primary 1s  is asked every 1s, not every 500ms"}
	if len(runs) != len(want) {
		t.Fatalf("%+v", runs)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for i, r := range runs {
		if got := strings.Join([]string{r.ID, r.Probe, r.On, r.Role, r.Every.String(), r.Missing, r.Slowed}, " "); !strings.HasPrefix(got, want[i]) {
			t.Errorf("%q, want %q", got, want[i])
		}
		if (r.Run == nil) != (r.Missing != "") {
			t.Errorf("%s is missing and runs, or neither", r.ID)
		}
		if r.Run != nil {
			r.Run(ended, func(harness.Observation) {})
		}
	}
}

// A chain ends with the first of its certificates, and of several chains the last one counts.
func TestDaysUntilACertificateEnds(t *testing.T) {
	now := time.Now()
	ends := func(days ...int) (chain []*x509.Certificate) {
		for _, d := range days {
			chain = append(chain, &x509.Certificate{NotAfter: now.Add(time.Duration(d)*day + time.Hour)})
		}
		return chain
	}
	for _, c := range []struct {
		chains [][]*x509.Certificate
		want   int64
	}{{[][]*x509.Certificate{ends(90, 30, 900)}, 30}, {[][]*x509.Certificate{ends(90, 30), ends(90, 60)}, 60}, {nil, -1}} {
		got, err := untilEnd(tls.ConnectionState{VerifiedChains: c.chains}, now)
		if c.want < 0 && err == nil || c.want >= 0 && (err != nil || got.value != c.want) {
			t.Errorf("%d: %+v, %v", c.want, got, err)
		}
	}
}
