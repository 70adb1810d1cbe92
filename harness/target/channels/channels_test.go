package channels_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/receivers"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/target/channels"
)

// Secrets of the rig. Whatever is said may hold none of them.
const (
	hookKey   = "pl4nted-hook-key"
	roomToken = "pl4nted-room-token"
	logToken  = "pl4nted-log-token"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rig is a target with what its people have: a certificate, keys in files, a log, a webhook of a room.
type rig struct {
	t    testing.TB
	dir  string
	room *httptest.Server
	said []string // to the room
	log  string   // what the log service prints
	tls  *x509.CertPool

	mu     sync.Mutex
	hidden []string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	r.room = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		switch {
		case req.URL.Path == "/log" && req.Header.Get("X-Token") == logToken:
			_, _ = io.WriteString(w, r.log)
		case req.URL.Path == "/services/T/B/"+roomToken && req.Method == http.MethodPost && req.Header.Get("Content-Type") == "application/json":
			r.said = append(r.said, string(body))
		default:
			http.Error(w, "no: "+req.Header.Get("X-Token")+req.URL.Path, http.StatusForbidden)
		}
	}))
	t.Cleanup(r.room.Close)
	r.write("roots.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.room.Certificate().Raw})))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	r.tls = x509.NewCertPool()
	r.tls.AddCert(leaf)
	bare, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	r.write("ours.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	r.write("ours.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bare})))
	r.write("hook", hookKey+"\n")
	r.write("room", r.room.URL+"/services/T/B/"+roomToken)
	r.write("log", logToken)
	return r
}

func (r *rig) write(name, text string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	must(r.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// target reads the rig's file with more lines.
func (r *rig) target(lines string) *target.Target {
	r.t.Helper()
	reader := target.Reader{Components: component.Kinds.Parameters(), Calls: call.Calls.Parameters(), Traits: component.Traits(),
		Channels: channels.Parameters(), Alerts: channels.Traits()}
	text := `apiVersion: blackstart.target/v1
kind: Target
metadata: {name: orders, owner: Order desk, environment: rehearsal, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}]
components: [{name: east.api, kind: tcp, region: east, address: 127.0.0.1, port: 1}]
calls:
  - {name: log, call: http, reads: true, timeout: 5s, with: {method: GET, url: "` + r.room.URL + `/log", headers: [{name: X-Token, secret: {file: ` + r.dir + `/log}}], tls: {roots: ` + r.dir + `/roots.pem}}}
  - {name: refused, call: http, reads: true, timeout: 5s, with: {method: GET, url: "` + r.room.URL + `/other", headers: [{name: X-Token, secret: {file: ` + r.dir + `/log}}], tls: {roots: ` + r.dir + `/roots.pem}}}
  - {name: shout, call: exec, timeout: 5s, with: {argv: [touch, ` + r.dir + `/told]}}
  - {name: mute, call: exec, timeout: 5s, with: {argv: ["false"]}}
` + strings.ReplaceAll(lines, "DIR", r.dir)
	got, err := reader.Parse("t.yaml", []byte(text))
	must(r.t, err)
	return got
}

func (r *rig) around() channels.Around {
	resolver := &secret.Resolver{Hide: func(all ...string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.hidden = append(r.hidden, all...)
	}}
	return channels.Around{Redact: r.redact, Secrets: func(ctx context.Context, ref secret.Reference) (secret.Secret, error) {
		s, _, err := resolver.Resolve(ctx, ref)
		return s, err
	}}
}

func (r *rig) redact(text string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.hidden {
		text = strings.ReplaceAll(text, s, "[redacted]")
	}
	return text
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// A target's alerts are received as its file says, over TLS and with its key; a check opens the address for a moment and leaves it free.
func TestFixed(t *testing.T) {
	r, address := newRig(t), freeAddress(t)
	of := r.target(`alerts:
  - {name: webhook, channel: webhook, listen: "` + address + `", key: {file: DIR/hook}, tls: {certificate: DIR/ours.pem, key: {file: DIR/ours.key}}, correlate: {by: label, label: service, value: orders}, with: {fields: {status: /state, labels: /tags}}}
  - {name: alertmanager, channel: http.list, every: 3s, correlate: {by: first, class: disk}, with: {url: "` + r.room.URL + `", fields: {incident: /id, class: /c}}}
`)
	said, err := channels.Try(t.Context(), of.Alerts[0], r.around())
	if err != nil || !strings.Contains(said, address+" can be listened on, with a certificate") {
		t.Errorf("%q, %v", said, err)
	}
	fixed, err := channels.Fixed(t.Context(), of, r.around())
	must(t, err)
	got, err := receivers.Start(t.Context(), receivers.Options{Clock: harness.NewClock(), Fixed: fixed})
	must(t, err)
	defer got.Close()
	if _, err := channels.Try(t.Context(), of.Alerts[0], r.around()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("an address that is taken: %v", err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.tls}}}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address+"/webhook", strings.NewReader(`{"state":"open","tags":{"service":"orders"}}`))
	req.Header.Set("Authorization", "Bearer "+hookKey)
	res, err := client.Do(req)
	must(t, err)
	_ = res.Body.Close()
	if all := got.Arrivals(); res.StatusCode != 200 || len(all) != 1 || all[0].Label != "orders" || !all[0].Nonce || all[0].Channel != "webhook" {
		t.Errorf("%d, %+v", res.StatusCode, got.Arrivals())
	}
	about, log := channels.Describe(of)
	if len(about) != 2 || about[0].Kind != "webhook" || about[0].PolledNS != 0 || about[1].PolledNS != int64(3*time.Second) || about[1].Correlate.Class != "disk" || log != nil {
		t.Errorf("%+v, %+v", about, log)
	}
	polled, err := channels.Polled(of, r.around())
	if err != nil || len(polled) != 1 || polled[0].Every != 3*time.Second {
		t.Errorf("%+v, %v", polled, err)
	}
	for _, gone := range []string{"hook", "ours.key", "ours.pem"} {
		before, err := os.ReadFile(filepath.Join(r.dir, gone))
		must(t, err)
		must(t, os.Remove(filepath.Join(r.dir, gone)))
		if _, err := channels.Fixed(t.Context(), of, r.around()); err == nil || strings.Contains(err.Error(), hookKey) {
			t.Errorf("without %s: %v", gone, err)
		}
		r.write(gone, string(before))
	}
}

// The log is read over HTTP, from a program and from a file, as text and as JSON; what cannot be read says so.
func TestLog(t *testing.T) {
	r := newRig(t)
	since := time.Date(2026, 11, 29, 6, 0, 0, 0, time.UTC)
	const text = "2026-11-29 05:59:59.9 old: failure is certain\n2026-11-29 06:00:01.25 x: failure is certain because " + logToken + "\nnoise\n[2026-11-29T06:00:02Z] promoted west\n"
	const words = `lines: text, detected: "^(?P<time>\\S+ \\S+) .*is certain( because (?P<reason>.*))?", promoted: "^\\[(?P<time>[^]]+)\\] promoted (?P<region>\\w+)"}`
	const pointers = `lines: json, time: /t, event: /e/name, reason: /why, detected: "failure\\..*", done: over}`
	const entries = `{"t":"2026-11-29T06:00:01.25Z","e":{"name":"failure.certain"},"why":"` + logToken + `"}` + "\n" + `[{"t":1795932002.5,"e":{"name":"over"}},{"t":"?","e":{"name":"x"}}]`
	if _, err := channels.Log(t.Context(), r.target("decisions: {call: log, "+words+"\n"), r.around(), since); err != nil { // by now a drill knows every secret of the file
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, log, file, want string }{
		"http, text":       {"{call: log, " + words, text, "", "detected 1.25s [redacted] , promoted 2s  west"},
		"http, json":       {"{call: log, " + pointers, entries, "", "detected 1.25s [redacted] , done 2.5s  "},
		"file, text":       {"{file: DIR/x.log, " + words, "", text, "detected 1.25s [redacted] , promoted 2s  west"},
		"file, long":       {"{file: DIR/x.log, " + words, "", strings.Repeat("2026-11-29 05:00:00 noise\n", 50_000) + text, "detected 1.25s [redacted] , promoted 2s  west"},
		"file, too long":   {"{file: DIR/x.log, " + words, "", text + strings.Repeat("2026-11-29 06:00:03 noise\n", 50_000), "!more than 1048576 bytes were written to the log during the drill"},
		"file, no times":   {"{file: DIR/x.log, " + words, "", strings.Repeat("noise\n", 300_000), "!during the drill"},
		"nothing":          {"{call: log, " + words, "", "", ""},
		"refused":          {"{call: refused, " + words, "", "", "!call refused: status 403"},
		"too much":         {"{call: log, " + words, strings.Repeat("x", 1<<20+1), "", "!says more than 1048576 bytes"},
		"no time":          {"{call: log, " + words, "yesterday noon it is certain", "", "!line 1, detected: \"yesterday noon\" is no time"},
		"not JSON":         {"{call: log, " + pointers, `{"t":1} x`, "", "!entry 2 is not JSON"},
		"JSON, no time":    {"{call: log, " + pointers, `{"e":{"name":"over"}}`, "", "!entry 1: done"},
		"no file":          {"{file: DIR/none.log, " + words, "", "", "!no such file"},
		"a folder":         {"{file: DIR, " + words, "", "", "!is not a file"},
		"another zone":     {`{call: log, lines: text, zone: America/New_York, done: "(?P<time>.*) over"}`, "2026-11-29 01:00:05,5 over", "", "done 5.5s  "},
		"milliseconds":     {`{call: log, lines: text, done: "(?P<time>.*) over"}`, "1795932002500 over", "", "done 2.5s  "},
		"too many of them": {`{call: log, lines: text, done: "(?P<time>.*) over"}`, strings.Repeat("1795932002 over\n", 2001), "", "!has 2001 decisions"},
	} {
		r.log = c.log
		r.write("x.log", c.file)
		of := r.target("decisions: " + c.from + "\n")
		all, err := channels.Log(t.Context(), of, r.around(), since)
		var got []string
		for _, d := range all {
			got = append(got, fmt.Sprintf("%s %v %s %s", d.Event, d.At.Time().Sub(since), d.Detail["reason"], d.Detail["region"]))
		}
		said := strings.Join(got, ", ")
		if err != nil {
			said = "!" + err.Error()
		}
		if bad, refused := strings.CutPrefix(c.want, "!"); refused && (err == nil || !strings.Contains(said, bad) || !strings.Contains(said, "not available: ")) || !refused && said != c.want {
			t.Errorf("%s: %q, want %q", name, said, c.want)
		}
		if strings.Contains(said, logToken) {
			t.Errorf("%s: a secret is told: %s", name, said)
		}
		if log := describedLog(of); log.ClockNS != int64(time.Second) || log.Refused != "" || log.Done == "" && log.Detected == "" {
			t.Errorf("%s: %+v", name, log)
		}
	}
	must(t, channels.CopyLog(r.dir, []harness.Decision{{At: harness.Stamp(since.UnixNano() + 1), Event: "done", Detail: map[string]string{"reason": "a"}}}))
	f, err := os.Open(filepath.Join(r.dir, "decisions.audit.jsonl"))
	must(t, err)
	defer f.Close()
	if back, err := harness.ReadDecisions(f, 9); err != nil || len(back) != 1 || back[0].At != harness.Stamp(since.UnixNano()+1) || back[0].Event != "done" || back[0].Detail["reason"] != "a" {
		t.Errorf("the copy reads %+v, %v", back, err)
	}
	if _, err := channels.Log(t.Context(), r.target(""), r.around(), since); err == nil || !strings.Contains(err.Error(), "has no decisions") {
		t.Errorf("without decisions: %v", err)
	}
}

func describedLog(t *target.Target) harness.DecisionLog {
	_, log := channels.Describe(t)
	return *log
}

// People are told by what is allowed, and by nothing else; an answer that is not certain is an error, and ends it.
func TestAnnounce(t *testing.T) {
	r := newRig(t)
	of := r.target(`allows: [{announce: room}, {announce: shout}, {announce: mute}, {announce: nowhere}]
announce:
  - {name: room, slack: {file: DIR/room}, text: A drill begins, tls: {roots: DIR/roots.pem}}
  - {name: shout, call: shout}
standDown:
  - {name: mute, call: mute}
  - {name: nowhere, slack: {file: DIR/hook}, text: over}
`)
	for i, a := range append(of.Announce, of.StandDown[1]) {
		said, err := channels.TryAnnounce(t.Context(), of, a, r.around())
		if (err == nil) != (i < 2) || err == nil && !strings.Contains(said, "nobody was told") || strings.Contains(fmt.Sprint(said, err), roomToken) {
			t.Errorf("%s: %q, %v", a.Name, said, err)
		}
	}
	if _, err := os.Stat(filepath.Join(r.dir, "told")); err == nil || len(r.said) > 0 {
		t.Error("a check told somebody")
	}
	must(t, channels.Announce(t.Context(), of, of.Announce, "drill x", r.around()))
	if _, err := os.Stat(filepath.Join(r.dir, "told")); err != nil || len(r.said) != 1 || !strings.Contains(r.said[0], "A drill begins: drill x") {
		t.Errorf("the room heard %q, %v", r.said, err)
	}
	if err := channels.Announce(t.Context(), of, of.StandDown, "x", r.around()); err == nil || !strings.Contains(err.Error(), "call mute is refused") {
		t.Errorf("a call that fails: %v", err)
	}
	r.write("room", r.room.URL+"/services/T/B/"+roomToken+"x")
	if err := channels.Announce(t.Context(), of, of.Announce[:1], "x", r.around()); err == nil || !strings.Contains(err.Error(), "status 403") || strings.Contains(err.Error(), roomToken) {
		t.Errorf("another room: %v", err)
	}
	r.write("room", "https://192.0.2.1/services/T/B/"+roomToken)
	if err := channels.Announce(t.Context(), of, of.Announce[:1], "x", r.around()); err == nil || !strings.Contains(err.Error(), "not shown to be on this machine") {
		t.Errorf("a rehearsal tells the world: %v", err)
	}
	r.write("room", "http://127.0.0.1:1/"+roomToken)
	of.Metadata.Environment = harness.Staging
	if err := channels.Announce(t.Context(), of, of.Announce[:1], "x", r.around()); err == nil || !strings.Contains(err.Error(), "not https") {
		t.Errorf("in the clear: %v", err)
	}
	of.Allows = nil
	heard := len(r.said)
	if err := channels.Announce(t.Context(), of, of.Announce, "x", r.around()); err == nil || !strings.Contains(err.Error(), "allows: does not list it") || len(r.said) != heard {
		t.Errorf("not allowed: %v", err)
	}
}

// FuzzLog reads foreign logs: what is found has a time, one of the words, and one line.
func FuzzLog(f *testing.F) {
	r := newRig(f)
	text := r.target(`decisions: {file: DIR/x.log, lines: text, done: "(?P<time>\\S+) over (?P<reason>.*)"}` + "\n")
	entries := r.target(`decisions: {file: DIR/x.log, lines: json, reason: /r, done: over}` + "\n")
	f.Add("2026-11-29T06:00:01Z over and done\n")
	f.Add(`[{"at":"2026-11-29T06:00:01Z","event":"over","r":"x\ny"}] {}`)
	f.Fuzz(func(t *testing.T, log string) {
		r.t = t
		r.write("x.log", log)
		for _, of := range []*target.Target{text, entries} {
			all, err := channels.Log(t.Context(), of, r.around(), time.Time{})
			for _, d := range all {
				if err != nil || d.Event != "done" || strings.ContainsAny(d.Detail["reason"], "\r\n\x00") || len(d.Detail["reason"]) > 300 {
					t.Errorf("%+v, %v", d, err)
				}
			}
		}
	})
}
