package victim

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"blackstart/harness"
)

// maxAnswer bounds an answer of an API, in bytes.
const maxAnswer = 1 << 20

// apiAsker asks the API behind a link what it runs, or a question whose answer tells.
func (s scene) apiAsker(check harness.Check) (asker, error) {
	link, _, err := s.api(check.On)
	if err != nil {
		return nil, err
	}
	if check.Want == "" {
		return nil, errors.New("it does not say what is wanted (want)")
	}
	client := apiClient{link: link, entry: s.target.Entry}
	if check.Kind == harness.BuildIs {
		return func(ctx context.Context, _ func()) error { return client.buildIs(ctx, check.Want) }, nil
	}
	question, ok := s.target.TellingQuestion()
	if !ok {
		return nil, fmt.Errorf("target %s has no question that its builds answer differently", s.target.Name)
	}
	return func(ctx context.Context, _ func()) error { return client.answerIs(ctx, question, check.Want) }, nil
}

// apiClient asks one API through one link, over a new connection each time.
type apiClient struct {
	link  harness.Link
	entry harness.Entry
}

func (c apiClient) buildIs(ctx context.Context, want string) error {
	var told struct {
		Build string `json:"build"`
	}
	if err := c.ask(ctx, http.MethodGet, "/version", nil, &told); err != nil {
		return err
	}
	if told.Build != want {
		return fmt.Errorf("it says that its build is %q, not %q", told.Build, want)
	}
	return nil
}

func (c apiClient) answerIs(ctx context.Context, q harness.Question, want string) error {
	var told struct {
		Results []struct {
			ID string `json:"id"`
		} `json:"results"`
	}
	question := map[string]any{"namespace": q.Namespace, "text": q.Text, "k": 1}
	if err := c.ask(ctx, http.MethodPost, "/query", question, &told); err != nil {
		return err
	}
	if len(told.Results) == 0 {
		return fmt.Errorf("it finds nothing for question %s", q.ID)
	}
	if got := told.Results[0].ID; got != want {
		return fmt.Errorf("it answers question %s with %q, not %q", q.ID, got, want)
	}
	return nil
}

// ask sends one request and reads the answer into v.
func (c apiClient) ask(ctx context.Context, method, path string, body, v any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return fmt.Errorf("write the question: %w", err)
		}
	}
	host := net.JoinHostPort(strings.TrimSuffix(c.entry.Name, "."), strconv.Itoa(c.entry.Port))
	req, err := http.NewRequestWithContext(ctx, method, "https://"+host+path, &sent)
	if err != nil {
		return fmt.Errorf("write the question: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.transport().RoundTrip(req)
	if err != nil {
		return unanswered("request", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("its answer to %s has status %d", path, res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(v); err != nil {
		return fmt.Errorf("its answer to %s cannot be read: %w", path, err)
	}
	return nil
}

// transport goes through the link whatever the name resolves to. It does not verify the certificate, and that is right
// here: what the API runs is asked, and nothing secret is sent. A drill may break the certificate at the same time, and an
// API behind an expired one must still be able to tell its build. Whether clients accept it is another check's question.
func (c apiClient) transport() *http.Transport {
	return &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", c.link.Address)
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
	}
}
