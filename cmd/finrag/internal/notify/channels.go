package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/smtp"
	"strconv"
	"strings"
	"time"

	"blackstart/cmd/finrag/internal/config"
)

const (
	maxAnswerBytes = 4 << 10
	maxPagerText   = 1024 // PagerDuty's own limit for a summary
	agent          = "finrag-controller"
)

type pagerDuty struct{ url, routingKey string }

func (pagerDuty) name() string        { return "pagerduty" }
func (pagerDuty) skip(m Message) bool { return m.Page == PageNone }

func (p pagerDuty) send(ctx context.Context, m Message) error {
	action := "resolve"
	if m.Page == PageTrigger {
		action = "trigger"
	}
	return post(ctx, p.url, "", map[string]any{
		"routing_key": p.routingKey, "dedup_key": m.Incident, "event_action": action,
		"payload": map[string]any{
			"summary": short(m.Text), "severity": cmp.Or(m.Severity, info), "source": m.Region,
			"class": m.Class, "component": m.Component, "group": m.Group,
			"timestamp":      time.Now().UTC().Format(time.RFC3339Nano),
			"custom_details": map[string]string{"region": m.Region, "event": m.Kind},
		},
	})
}

// short cuts a text to what the pager takes, never inside a letter.
func short(text string) string {
	if len(text) <= maxPagerText {
		return text
	}
	return strings.ToValidUTF8(text[:maxPagerText], "")
}

type slack struct{ url string }

func (slack) name() string      { return "slack" }
func (slack) skip(Message) bool { return false }

func (s slack) send(ctx context.Context, m Message) error {
	return post(ctx, s.url, "", map[string]string{"text": heading(m) + "\nincident " + m.Incident})
}

type statusPage struct{ url, token string }

func (statusPage) name() string        { return "statusPage" }
func (statusPage) skip(m Message) bool { return m.Status == "" }

func (s statusPage) send(ctx context.Context, m Message) error {
	return post(ctx, s.url, s.token, map[string]string{"status": m.Status, "message": m.Text})
}

type mail struct{ config.SMTP }

func (mail) name() string      { return "smtp" }
func (mail) skip(Message) bool { return false }

func (s mail) send(ctx context.Context, m Message) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("reach mail server: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	host, _, _ := net.SplitHostPort(s.Address)
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return fmt.Errorf("greet mail server: %w", err)
	}
	if err := c.Mail(s.From); err != nil {
		return fmt.Errorf("name sender: %w", err)
	}
	for _, to := range s.To {
		if err := c.Rcpt(to); err != nil {
			return fmt.Errorf("name recipient %s: %w", to, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	if _, err := io.WriteString(w, s.letter(m, time.Now())); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	_ = c.Quit() // the mail is accepted; how the server says goodbye does not matter
	return nil
}

func (s mail) letter(m Message, at time.Time) string {
	return strings.Join([]string{
		"From: " + s.From,
		"To: " + strings.Join(s.To, ", "),
		"Subject: " + mime.QEncoding.Encode("utf-8", oneLine(heading(m))),
		"Date: " + at.Format(time.RFC1123Z),
		fmt.Sprintf("Message-ID: <%d.%s@finrag>", at.UnixNano(), m.Kind),
		"MIME-Version: 1.0",
		"Content-Type: text/plain; charset=utf-8",
		"Content-Transfer-Encoding: 8bit",
		"",
		m.Text, "", "region: " + m.Region, "event: " + m.Kind, "incident: " + m.Incident, "",
	}, "\r\n")
}

func heading(m Message) string {
	if m.Severity == Critical {
		return "CRITICAL: " + m.Text
	}
	return m.Text
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// client opens a connection for each message: messages are rare, and a kept one may be dead by the next.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// post sends body as JSON. 2xx is success; a 4xx other than 408 and 429 is final.
func post(ctx context.Context, url, token string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return retryAfter{error: fmt.Errorf("encode message: %w", err), final: true}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return retryAfter{error: fmt.Errorf("make request: %w", err), final: true}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", agent)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("post message: %w", err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes))
	if res.StatusCode/100 == 2 {
		return nil
	}
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	return retryAfter{
		error: fmt.Errorf("post message: %s: %s", res.Status, oneLine(string(text))),
		pause: time.Duration(max(0, seconds)) * time.Second,
		final: res.StatusCode/100 == 4 && res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusRequestTimeout,
	}
}
