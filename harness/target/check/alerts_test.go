package check_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness/target/check"
)

// Channels, the log and announcements are tried once: nobody is told, nothing stays open, and what is missing is a row that says so.
func TestCheckOfAlertsAndDecisions(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	must(t, os.WriteFile(path, []byte(token), 0o600))
	asked, posted := 0, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.Method != http.MethodGet {
			posted++
		}
		_, _ = w.Write([]byte(`[{"id": 1, "at": "2026-11-29T06:00:00Z", "event": "` + token + `", "class": "x"}]`))
	}))
	t.Cleanup(s.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	listen := l.Addr().String()
	must(t, l.Close())
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	text := `apiVersion: blackstart.target/v1
kind: Target
metadata: {name: orders, owner: Order desk, environment: rehearsal, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}]
components: [{name: east.api, kind: tcp, region: east, address: 127.0.0.1, port: ` + port + `}]
allows: [{announce: room}, {announce: desk}]
calls:
  - {name: log, call: http, reads: true, timeout: 5s, with: {method: GET, url: "` + s.URL + `/log"}}
  - {name: tell, call: http, timeout: 5s, with: {method: POST, url: "` + s.URL + `/tell"}}
alerts:
  - {name: slack, channel: slack, listen: "` + listen + `", key: {file: ` + path + `}, correlate: {by: first}}
  - {name: webhook, channel: http.list, correlate: {by: first, class: x}, with: {url: "` + s.URL + `/open", fields: {incident: /id}}}
decisions: {call: log, lines: json, done: ".*"}
announce: [{name: room, call: tell}]
standDown: [{name: desk, call: tell}]
`
	ask := func(text string) map[string]check.Row {
		t.Helper()
		got, err := reader.Parse("t.yaml", []byte(text))
		must(t, err)
		rows, err := check.Run(t.Context(), request(got))
		must(t, err)
		all := map[string]check.Row{}
		for _, r := range rows {
			all[r.Of+" "+r.Name] = r
			if strings.Contains(r.Text, token) {
				t.Errorf("a secret is printed: %+v", r)
			}
		}
		return all
	}
	rows := ask(text)
	for name, want := range map[string]string{"secret alert slack key": "13 bytes", "alert slack": "can be listened on", "alert webhook": "with 1 that are open; a state that is seen",
		"decisions log": "so far it tells of 1 done", "announce room": "nobody was told", "announce desk": "nobody was told"} {
		if r := rows[name]; r.State != check.Works || !strings.Contains(r.Text, want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for of := range rows {
		if strings.HasPrefix(of, "write ") {
			t.Errorf("an announcement is taken for a table: %s", of)
		}
	}
	if posted > 0 || asked == 0 {
		t.Errorf("a check told people %d times", posted)
	}
	taken, err := net.Listen("tcp", listen)
	must(t, err)
	defer taken.Close()
	for name, c := range map[string]struct{ from, to, row, want string }{
		"the address is taken":  {"by: first}", "by: first}", "alert slack", "address already in use"},
		"the key is gone":       {"key: {file: " + path, "key: {file: " + path + "x", "alert slack", "resolve its key"},
		"another list":          {"fields: {incident: /id}", "list: /items, fields: {incident: /id}", "alert webhook", "nothing stands at /items"},
		"a log without times":   {"lines: json,", "lines: json, time: /class,", "decisions log", "is no time"},
		"nobody takes messages": {`method: POST, url: "` + s.URL, `method: POST, url: "http://127.0.0.1:1`, "announce room", "refused"},
	} {
		if !strings.Contains(text, c.from) {
			t.Fatalf("%s: the file has no %q", name, c.from)
		}
		if r := ask(strings.Replace(text, c.from, c.to, 1))[c.row]; r.State == check.Works || !strings.Contains(r.Text, c.want) || strings.HasPrefix(r.Text, "not available") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
