package controller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"blackstart/cmd/finrag/internal/config"
)

const (
	renewTimeout  = 3 * time.Second
	contentText   = "text/plain; charset=utf-8"
	contentJSON   = "application/json"
	maxAdminBytes = 64 << 10
)

// adminCall asks one thing of a region by its admin endpoints. The region's certificate is verified, but for its end: one
// that has run out is what a renewal is for, and the region behind it is still the same.
func (c *Controller) adminCall(ctx context.Context, end config.RegionEnd, method, path, kind string, body []byte) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, end.API+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.adminTokens[end.Name])
	r.Header.Set("Content-Type", kind)
	res, err := c.client(anyDate, end.ServerName, "").Do(r)
	if err != nil {
		return nil, nil, fmt.Errorf("ask region %s: %w", end.Name, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAdminBytes))
	if err != nil {
		return nil, nil, fmt.Errorf("ask region %s: %w", end.Name, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, nil, fmt.Errorf("ask region %s: %s %s: the answer is %s: %s", end.Name, method, path, res.Status, bytes.TrimSpace(text))
	}
	return res, text, nil
}

// renew gives a region a new certificate: asked for with the region's own key, signed by the authority, delivered.
func (c *Controller) renew(ctx context.Context, end config.RegionEnd) error {
	ctx, cancel := context.WithTimeout(ctx, renewTimeout)
	defer cancel()
	if c.authority == nil {
		return errors.New("there is no authority to sign with")
	}
	start := time.Now()
	res, request, err := c.adminCall(ctx, end, http.MethodPost, "/certificate/request", contentText, nil)
	if err != nil {
		return err
	}
	old := res.TLS.PeerCertificates[0]
	chain, cert, err := c.authority.sign(request, old, time.Now())
	if err != nil {
		return err
	}
	if _, _, err := c.adminCall(ctx, end, http.MethodPut, "/certificate", contentText, chain); err != nil {
		return err
	}
	c.note(eventCertificateRenewed, detail{"incident": c.state.Incident, "region": end.Name, "serial": cert.SerialNumber.Text(16),
		"not_after": cert.NotAfter.UTC().Format(time.RFC3339), "old_serial": old.SerialNumber.Text(16),
		"old_not_after": old.NotAfter.UTC().Format(time.RFC3339), "took_ms": milliseconds(time.Since(start))})
	c.judgeCertificate(end, CertificateFacts{OK: true, Serial: cert.SerialNumber.Text(16), NotAfter: cert.NotAfter.UTC()}, time.Now())
	return nil
}
