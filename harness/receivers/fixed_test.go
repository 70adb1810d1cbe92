package receivers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

// certified makes a certificate for loopback, and what a client trusts it by.
func certified(t testing.TB) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, roots
}

// freeAddress is an address that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Keys that a target has for drills: each fits its kind, and stands in no arrival.
const (
	pagerKey  = "0123456789abcdefPLANTED012345678"
	pathKey   = "plantedXXXXpathsecret"
	hookKey   = "planted-token-of-the-target"
	recipient = "Planted-Drill@ops.example.com"
)

// fixedEnds are one end of every kind, each over TLS.
func fixedEnds(t testing.TB, shown *tls.Config) []Fixed {
	t.Helper()
	var all []Fixed
	for _, k := range Channels.All() {
		f := Fixed{Name: k.Name, Kind: k.Name, Address: freeAddress(t), TLS: shown, Key: hookKey, Label: "service"}
		switch k.Name {
		case PagerDuty:
			f.Key = pagerKey
		case Slack:
			f.Key = pathKey
		case SMTP:
			f.Key = recipient
		case "webhook":
			f.With = map[string]any{"fields": map[string]any{"status": "/state", "class": "/check", "labels": "/tags", "incident": "/id", "summary": "/text"}}
		}
		all = append(all, f)
	}
	return all
}

// messages is one message of each HTTP kind that is meant for it: path, authorisation and body.
var messages = map[string][3]string{
	PagerDuty: {"/v2/enqueue", "", `{"routing_key":"` + pagerKey + `","event_action":"trigger","dedup_key":"orders-1","payload":{"summary":"down ` +
		pagerKey + `","source":"east","severity":"critical","class":"primary.unreachable","custom_details":{"service":"orders"}}}`},
	Slack:      {"/services/T123/B456/" + pathKey, "", `{"text":"down ` + strings.ToUpper(pathKey) + `"}`},
	StatusPage: {"/status", "Bearer " + hookKey, `{"status":"major_outage","message":"` + hookKey + `"}`},
	"alertmanager": {"/alertmanager", "Bearer " + hookKey, `{"version":"4","receiver":"drill","alerts":[{"status":"firing","labels":{"alertname":"Down","service":"orders",` +
		`"severity":"page","instance":"east.db"},"annotations":{"summary":"` + hookKey + `"},"fingerprint":"f1"},{"status":"resolved","labels":{"alertname":"Lag"},"fingerprint":"f2"}]}`},
	"webhook": {"/webhook", "Bearer " + hookKey, `{"state":"open","check":"disk","id":"i1","text":"` + hookKey + `","tags":{"service":"orders"}}`},
}

// Every kind is received at its own address, over TLS, with the key that the target has; who has another key is refused and on record.
func TestFixedEnds(t *testing.T) {
	shown, roots := certified(t)
	ends := fixedEnds(t, shown)
	r, err := Start(t.Context(), Options{Clock: harness.NewClock(), Fixed: ends})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	send := func(at string, m [3]string) int {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+at+m[0], strings.NewReader(m[2]))
		req.Header.Set("Content-Type", jsonType)
		if m[1] != "" {
			req.Header.Set("Authorization", m[1])
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	for _, f := range ends {
		if f.Kind == SMTP {
			mailOverTLS(t, r, f.Address, roots)
			continue
		}
		m, ok := messages[f.Kind]
		if !ok {
			t.Errorf("%s: no message of this kind is sent by this test", f.Kind)
			continue
		}
		before := len(r.Arrivals())
		if status := send(f.Address, m); status < 200 || status > 299 {
			t.Errorf("%s: answered %d", f.Kind, status)
		}
		a := r.Arrivals()[before]
		if !a.Accepted || !a.Nonce || a.Channel != f.Name || a.At == 0 || a.Polled || labelled(f.Kind) && a.Label != "orders" {
			t.Errorf("%s: recorded %+v", f.Kind, a)
		}
		other := strings.NewReplacer(pagerKey, strings.Repeat("x", 32), pathKey, "another", hookKey, "another-token").Replace
		if status := send(f.Address, [3]string{other(m[0]), other(m[1]), other(m[2])}); status < 400 {
			t.Errorf("%s: another key is answered with %d", f.Kind, status)
		}
		if a := last(t, r); a.Accepted || a.Nonce {
			t.Errorf("%s: another key is recorded as %+v", f.Kind, a)
		}
		if plain, err := http.Post("http://"+f.Address+m[0], jsonType, strings.NewReader(m[2])); err == nil {
			if _ = plain.Body.Close(); plain.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: without TLS it is answered with %d", f.Kind, plain.StatusCode)
			}
		}
	}
	kept, _ := json.Marshal(r.Arrivals())
	for _, key := range []string{pagerKey, pathKey, hookKey, recipient} {
		if strings.Contains(strings.ToLower(string(kept)), strings.ToLower(key)) {
			t.Errorf("%s is kept: %s", key, kept)
		}
	}
}

// labelled tells whether messages of a kind carry labels.
func labelled(kind string) bool {
	k, _ := Channels.Get(kind)
	return k.New().Labels
}

// mailOverTLS sends a mail by STARTTLS, and one in the clear, which is refused.
func mailOverTLS(t *testing.T, r *Receivers, address string, roots *x509.CertPool) {
	t.Helper()
	c, err := smtp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Mail("dr@example.com"); err == nil || !strings.Contains(err.Error(), "530") {
		t.Errorf("a mail in the clear is answered with %v", err)
	}
	if err := c.StartTLS(&tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Mail("dr@example.com"); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt(strings.ToLower(recipient)); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "Subject: down "+recipient+"\r\n\r\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if a := last(t, r); !a.Nonce || !a.Accepted || a.Channel != SMTP {
		t.Errorf("recorded %+v", a)
	}
}

// An end that cannot be opened as it is written is not opened, and nothing is left of the others.
func TestFixedEndsThatCannotBe(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free := freeAddress(t)
	good := Fixed{Name: "slack", Kind: Slack, Address: free, Key: pathKey}
	for want, bad := range map[string]Fixed{
		"address already in use":   {Name: "webhook", Kind: StatusPage, Address: taken.Addr().String(), Key: hookKey},
		"a routing key has 32":     {Name: "pagerduty", Kind: PagerDuty, Address: freeAddress(t), Key: "short"},
		"is the address of its":    {Name: "smtp", Kind: SMTP, Address: freeAddress(t), Key: "nobody"},
		"no channel \"pigeon\"":    {Name: "slack", Kind: "pigeon", Address: freeAddress(t), Key: hookKey},
		"has no key":               {Name: "slack", Kind: Slack, Address: freeAddress(t)},
		"takes no parameters":      {Name: "slack", Kind: Slack, Address: freeAddress(t), Key: hookKey, With: map[string]any{"a": "b"}},
		"has no fields":            {Name: "webhook", Kind: "webhook", Address: freeAddress(t), Key: hookKey},
		"is no JSON pointer":       {Name: "webhook", Kind: "webhook", Address: freeAddress(t), Key: hookKey, With: map[string]any{"fields": map[string]any{"status": "x"}}},
		"assign requested address": {Name: "slack", Kind: Slack, Address: "192.0.2.1:0", Key: hookKey},
	} {
		r, err := Start(t.Context(), Options{Clock: harness.NewClock(), Fixed: []Fixed{good, bad}})
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), hookKey) {
			t.Errorf("%v, want %s", err, want)
		}
		if err := Bind(context.Background(), free); err != nil {
			t.Errorf("the end that was opened is left: %v", err)
		}
	}
	if err := Bind(t.Context(), taken.Addr().String()); err == nil {
		t.Error("an address that is taken can be bound")
	}
	none, err := Start(t.Context(), Options{Clock: harness.NewClock(), Fixed: []Fixed{}})
	if err != nil || len(none.Deliveries()) != 0 {
		t.Errorf("no ends: %v", err)
	}
	none.Close()
}

// What is no message of Alertmanager is refused whole.
func TestAlertmanagerRefuses(t *testing.T) {
	r := start(t, nil)
	d := delivery(t, r, "alertmanager")
	for body, want := range map[string]int{
		messages["alertmanager"][2]: 200, `{"version":"3","alerts":[{"status":"firing"}]}`: 400, `{"version":"4","alerts":[]}`: 400, `[]`: 400, `x`: 400,
		`{"version":"4","alerts":[{"status":"firing"},{"status":"odd"}]}`: 400, `{"version":"4","alerts":[{"labels":{"a":1}}]}`: 400,
	} {
		before := len(r.Arrivals())
		status, _ := post(t, d.URL, jsonType, "Bearer "+d.Secret, body)
		n := len(r.Arrivals()) - before
		if status != want || want != 200 && (n != 1 || last(t, r).Accepted) || want == 200 && n != 2 {
			t.Errorf("%s: %d, %d arrivals", body, status, n)
		}
	}
	if status, _ := post(t, d.URL, "text/plain", "Bearer "+d.Secret, messages["alertmanager"][2]); status != 415 {
		t.Errorf("text: %d", status)
	}
	all := r.Arrivals()
	for i, a := range all {
		if a.Accepted && a.Class == "Down" && (a.Event != "trigger" || a.Severity != "page" || a.Component != "east.db" || a.DedupKey != "f1" || all[i+1].Event != "resolve") {
			t.Errorf("recorded %+v, %+v", a, all[i+1])
		}
	}
}

func TestFields(t *testing.T) {
	f := Fields{Status: "/s", Class: "/c", Labels: "/l", Incident: "/i"}
	for body, want := range map[string]string{
		`{"s":"open","c":"x","i":7,"l":{"a":"b"}}`: "trigger x b 7", `{"s":"closed"}`: "resolve   ", `{"s":"odd"}`: "!", `{}`: "!", `[]`: "!", `{"s":"firing","l":3,"c":null}`: "trigger   ",
	} {
		var v any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		a, err := f.Read(v, "a")
		got := fmt.Sprintf("%s %s %s %s", a.Event, a.Class, a.Label, a.DedupKey)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	if a, err := (Fields{}).Read(map[string]any{}, ""); err != nil || a.Event != "trigger" {
		t.Errorf("without status: %+v, %v", a, err)
	}
	if a, err := (Fields{Status: "/s", Open: []string{"bad"}, Over: []string{"good"}}).Read(map[string]any{"s": "good"}, ""); err != nil || a.Event != "resolve" {
		t.Errorf("words of its own: %+v, %v", a, err)
	}
}
