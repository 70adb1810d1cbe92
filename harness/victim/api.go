package victim

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"blackstart/harness"
)

// apiKind is the kind of component that answers over HTTPS.
const apiKind = "api"

// maxAnswer bounds an answer of an API, in bytes.
const maxAnswer = 1 << 20

// client asks the API behind a link.
func (v Victim) client(link string) (apiClient, error) {
	l, _, err := v.Link(link)
	return apiClient{link: l, entry: v.Target.Entry}, err
}

// apiClient asks one API through one link, over a new connection each time.
type apiClient struct {
	link  harness.Link
	entry harness.Entry
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
