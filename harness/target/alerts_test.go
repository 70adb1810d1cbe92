package target_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

func TestAlertsAreRead(t *testing.T) {
	got, err := reader().Parse("whole.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if !got.MayAnnounce("room") || got.MayAnnounce("") || got.MayAnnounce("hall") || got.Alerts[3].Pace() != 2*time.Second || got.Alerts[0].Pace() != 5*time.Second ||
		got.Alerts[0].Correlate != (harness.Correlation{By: "first", Class: "down"}) || len(got.Decisions.Patterns()) != 2 || got.MayWrite("", "") {
		t.Errorf("%+v", got)
	}
}

// Everything that can be wrong with alerts, decisions and announcements is told with its line and what to write.
func TestBadAlertsAreRefused(t *testing.T) {
	const pager, am = "name: pagerduty, channel: pagerduty", "channel: alertmanager.alerts, every: 2s"
	for _, c := range []struct{ from, to, want string }{
		{"name: slack, channel", "name: slak, channel", `no objective can speak of a channel "slak"`},
		{"name: slack, channel", "name: pagerduty, channel", `the name "pagerduty" is taken`},
		{pager, "name: pagerduty, channel: pigeon", `there is no kind of channel "pigeon"`},
		{`listen: "10.0.0.2:9095", `, "", "alert slack is received nowhere: write listen: address:port"},
		{"10.0.0.2:9095", "ops.example.com:9095", "is no address that can be listened on"},
		{"10.0.0.2:9095", "10.0.0.2:0", "is no address that can be listened on"},
		{"10.0.0.2:9095", "10.0.0.2:9094", "two alerts are received on 10.0.0.2:9094"},
		{"key: {file: /run/secrets/slack}, ", "", "alert slack has no key"},
		{"key: {file: /run/secrets/slack}", "key: {file: slack}", "key names no absolute path"},
		{"key: {file: /run/secrets/slack}", "key: xoxb-1234", "write where it is"},
		{"certificate: /etc/ours.pem", "certificate: ours.pem", "certificate of tls of alert pagerduty is no absolute path"},
		{"key: {file: /run/secrets/slack}", "key: {file: /run/secrets/slack}, every: 5s", "alert slack is received, and every is for one that is polled"},
		{am, am + `, listen: "10.0.0.2:9099"`, "alert alertmanager is polled, and listen is for one that is received"},
		{am, am + ", key: {file: /run/x}", "and key is for one that is received"},
		{"every: 2s", "every: 500ms", "alert alertmanager is asked every 500ms: write 1s to 10m"},
		{"url: \"https://am.example.com\"", "url: am.example.com", "url of alertmanager"},
		{"{fields: {status: /state, labels: /tags}}", "{fields: {status: state}}", "is no JSON pointer"},
		{", with: {fields: {status: /state, labels: /tags}}", "", "has no fields"},
		{"with: {fields", "with: {colour: red, fields", `no key "colour"`},
		{"{by: first, class: down}", "{by: smell}", "write one of dedup, first, label, nonce"},
		{"{by: first, class: down}", "{by: first}", "alert pagerduty: alerts on pagerduty carry a class: write class"},
		{"correlate: {by: first}", "correlate: {by: first, class: x}", "alerts on slack carry no class: leave it out"},
		{"correlate: {by: first}", "correlate: {by: dedup, pattern: x}", "messages on slack have no deduplication key"},
		{"correlate: {by: first}", "correlate: {by: label, label: service, value: x}", `messages on slack have no "service"`},
		{"correlate: {by: first}", "correlate: {by: nonce, pattern: x}", "alert slack: pattern is for by: dedup"},
		{"{by: label, label: service, value: orders}", "{by: label, label: service}", "a label needs its name and its value"},
		{`pattern: "orders-.*"`, `pattern: "("`, "the pattern of its deduplication keys is none"},
		{`{by: dedup, pattern: "orders-.*"}`, "{by: nonce}", "what is polled shows no key of ours"},
		{"{call: depth, lines", "{call: deep, lines", `there is no call "deep"`},
		{"{call: depth, lines", "{call: depth, clock: db1, lines", `there is no component, or host with a transport, "db1"`},
		{"{call: depth, lines", "{call: drain, lines", "call drain may act, and decisions are only read"},
		{"{call: depth, lines", "{call: depth, file: /x, lines", "decisions are read in one place"},
		{"{call: depth, lines", "{file: x.log, lines", "file of decisions is no absolute path"},
		{"lines: text", "lines: csv", "write one of json, text"},
		{"lines: text", "lines: text, event: /e", "lines of text have no JSON pointers"},
		{"zone: America/New_York, detected", "zone: America/Gotham, detected", `there is no time zone "America/Gotham"`},
		{`"(?P<time>.*) certain"`, `"certain"`, "the pattern of detected has no group time"},
		{`"(?P<time>.*) certain"`, `"("`, "the pattern of detected is none"},
		{`, detected: "(?P<time>.*) certain", done: "(?P<time>\\S+) over (?P<region>\\w+)"`, "", "decisions have no pattern"},
		{"  - {announce: room}\n", "", "announcement room reaches people, and is not allowed: list {announce: room} under allows:"},
		{"{announce: desk}", "{announce: dask}", `there is no announcement "dask"`},
		{"{announce: desk}", "{announce: desk, on: east.db}", "an allowance is for one thing"},
		{"{write: ledger, on: east.db}", "{write: ledger}", "an allowance is for one thing"},
		{", text: A drill begins", "", "announcement room says one thing in one place"},
		{"{name: desk, call: drain}", "{name: desk, call: drian}", `there is no call "drian"`},
		{"{name: desk, call: drain}", "{name: desk, call: drain, tls: {roots: system}}", "is for a connection without TLS"},
		{"slack: {file: /run/secrets/room}", "slack: {env: ROOM}", "slack is in the environment"},
	} {
		text, line := changed(t, c.from, c.to)
		_, err := reader().Parse("t.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), fmt.Sprintf("t.yaml:%d", line)) && !strings.Contains(c.want, "decisions have") && !strings.HasPrefix(c.from, "  - {announce") {
			t.Errorf("%q for %q, line %d: %v\n\twant %q", c.to, c.from, line, err, c.want)
		}
	}
	rehearsal := strings.NewReplacer("staging", "rehearsal").Replace(whole)
	if _, err := reader().Parse("t.yaml", []byte(rehearsal)); err == nil || !strings.Contains(err.Error(), "alert slack is not received on this machine, and this is a rehearsal") {
		t.Errorf("a rehearsal: %v", err)
	}
}
