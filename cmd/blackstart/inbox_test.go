package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/targets/external"
)

// Secrets of a target: each is said by somebody, and stands nowhere.
const (
	plantedKey  = "pl4nted-slack-path-key"
	plantedRead = "pl4nted-header-of-a-list"
	plantedLog  = "pl4nted-header-of-a-log"
	plantedRoom = "pl4nted-webhook-of-a-room"
)

// thereRun is the part of a run that alerts, decisions and announcements of a target file pass through.
func thereRun(t *testing.T, service, listen string) *drillRun {
	t.Helper()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := `apiVersion: blackstart.target/v1
kind: Target
metadata: {name: orders, owner: Order desk, environment: rehearsal, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}]
components: [{name: east.api, kind: tcp, region: east, address: 127.0.0.1, port: 1}]
allows: [{announce: room}]
calls: [{name: log, call: http, reads: true, timeout: 5s, with: {method: GET, url: "` + service + `/log", headers: [{name: X-Key, secret: {file: ` + file("l", plantedLog) + `}}]}}]
alerts:
  - {name: slack, channel: slack, listen: "` + listen + `", key: {file: ` + file("k", plantedKey) + `}, correlate: {by: first}}
  - {name: webhook, channel: http.list, every: 1s, correlate: {by: first, class: down}, with: {url: "` + service + `/open", headers: [{name: X-Key, secret: {file: ` + file("r", plantedRead) + `}}],
      fields: {incident: /id, class: /c, summary: /s}}}
decisions: {call: log, lines: json, reason: /why, declared: declared}
announce: [{name: room, slack: {file: ` + file("w", service+"/"+plantedRoom) + `}, text: begins}]
`
	got, err := targetReader().Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d := &drillRun{clock: harness.NewClock(), redact: evidence.NewRedactor(), dir: dir, runID: "0190f3c0-0000-7000-8000-000000000001", executor: "Jo", drillRequest: drillRequest{screen: newScreen(&bytes.Buffer{}, false)}}
	d.driver = external.New(external.File{Target: got}, d.redact.Text)
	return d
}

// openJournal gives the run its log of events.
func (d *drillRun) openJournal(t *testing.T) {
	t.Helper()
	key, err := seal.NewRunKey("blackstart/" + d.runID)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(d.bag(), "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if d.journal, err = evidence.NewJournal(d.bag(), strings.Repeat("0", 64), key, d.redact, d.clock); err != nil {
		t.Fatal(err)
	}
	d.arrivals.Store(d.journal)
}

// What a target file says of alerts, decisions and announcements is carried out by a run, and none of its secrets comes to disk, whoever
// says them.
func TestInboxOfATargetFile(t *testing.T) {
	told := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/open":
			fmt.Fprintf(w, `[{"id":"i1","c":"down","s":"it is down, says %s"}]`, r.Header.Get("X-Key"))
		case "/log":
			fmt.Fprintf(w, `{"at":%q,"event":"declared","why":"because %s"}`, time.Now().UTC().Format(time.RFC3339Nano), r.Header.Get("X-Key"))
		case "/" + plantedRoom:
			told++
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	_ = l.Close()
	d := thereRun(t, s.URL, listen)
	in, err := d.openInbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.Close)
	say := func(text string) {
		t.Helper()
		res, err := http.Post("http://"+listen+"/services/T/B/"+plantedKey, "application/json", strings.NewReader(`{"text":"`+text+" "+plantedKey+`"}`))
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%v, %v", res, err)
		}
		_ = res.Body.Close()
	}
	say("too early")
	d.openJournal(t)
	say("in time")
	if len(in.Polls()) > 0 {
		t.Error("it is polled before it is told to")
	}
	in.look(t.Context(), d)
	for end := time.Now().Add(20 * time.Second); len(in.Arrivals()) < 2 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
	}
	all := in.Arrivals()
	if len(all) != 2 || !strings.HasPrefix(all[0].Summary, "in time") || !all[1].Polled || all[1].Class != "down" || len(in.Polls()) != 1 {
		t.Errorf("%+v", all)
	}
	decisions, err := d.decisions(t.Context(), harness.DecisionLog{})
	if err != nil || len(decisions) != 1 || decisions[0].Event != "declared" || decisions[0].Detail["reason"] != "because [redacted]" {
		t.Errorf("%+v, %v", decisions, err)
	}
	p := d.parts(in)
	if p.StandDown != nil || p.Announce == nil || p.Announce(t.Context()) != nil || told != 1 {
		t.Errorf("told %d times", told)
	}
	rec := &harness.Record{Arrivals: all, Polls: in.Polls(), Decisions: decisions, Target: func() harness.Description { a, _ := d.driver.Outline(nil); return a }()}
	if err := saveRecord(d.dir, rec, d.redact); err != nil {
		t.Fatal(err)
	}
	in.Close()
	grepNothing(t, d.dir, []string{plantedKey, plantedRead, plantedLog, plantedRoom}, []string{"in time", "alert.seen", "alert.received", "declared", "state seen"})
}

// grepNothing reads every file below dir: none holds a secret, and each word that is meant to be there is somewhere.
func grepNothing(t *testing.T, dir string, secrets, words []string) {
	t.Helper()
	var whole bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		whole.Write(text)
		for _, s := range secrets {
			if bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(s))) {
				t.Errorf("%s holds %s", path, s)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		if !strings.Contains(whole.String(), w) {
			t.Errorf("no file says %q", w)
		}
	}
}

// An inbox that cannot be opened as its file says is not opened: the drill does not begin.
func TestInboxThatCannotBeOpened(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := thereRun(t, "http://127.0.0.1:1", l.Addr().String()).openInbox(t.Context()); err == nil || !strings.Contains(err.Error(), "start receiver of slack on "+l.Addr().String()) {
		t.Error(err)
	}
}
