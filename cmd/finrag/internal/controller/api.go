package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"blackstart/cmd/finrag/internal/config"
)

const (
	dnsTimeout     = time.Second
	controlTimeout = 2 * time.Second
	queryTimeout   = 2 * time.Second
	maxAnswerBytes = 1 << 20
	recordStandby  = "secondary"
)

// APIFacts is what one region's API says of the region. Issuer and name of the certificate were verified on the way.
type APIFacts struct {
	OK          bool      `json:"ok"` // it answered, and says it is healthy
	Error       string    `json:"error,omitempty"`
	Build       string    `json:"build,omitempty"`
	VectorCount int       `json:"vector_count"`
	Synced      bool      `json:"synced"` // its index has read all rows once
	Certificate time.Time `json:"certificate_not_after,omitzero"`
	Cache       string    `json:"cache,omitempty"` // "none", "ok" or "failing"
}

// apiFacts asks a region for its health. The answer counts although the certificate is past its end: that is told by itself.
func (c *Controller) apiFacts(ctx context.Context, end config.RegionEnd) APIFacts {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, end.API+"/health/detailed", nil)
	if err != nil {
		return APIFacts{Error: err.Error()}
	}
	res, err := c.client(anyDate, end.ServerName, "").Do(r)
	if err != nil {
		return APIFacts{Error: err.Error()}
	}
	defer res.Body.Close()
	var d struct {
		Build  string
		Vector struct {
			Count  int
			Synced bool
		}
		Cache struct{ Configured, OK bool }
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswerBytes)).Decode(&d); err != nil {
		return APIFacts{Error: fmt.Sprintf("read answer (%s): %v", res.Status, err)}
	}
	f := APIFacts{OK: res.StatusCode == http.StatusOK, Build: d.Build, VectorCount: d.Vector.Count, Synced: d.Vector.Synced,
		Certificate: res.TLS.PeerCertificates[0].NotAfter.UTC(), Cache: "none"}
	if !f.OK {
		f.Error = "the answer is " + res.Status
	}
	if d.Cache.Configured {
		f.Cache = "failing"
		if d.Cache.OK {
			f.Cache = "ok"
		}
	}
	return f
}

// switchDNS tells the DNS server to serve the standby's record. Telling it twice does no harm.
func (c *Controller) switchDNS(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	body := fmt.Sprintf(`{"record":%q}`, recordStandby)
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, c.config.DNS.Control+"/active", bytes.NewBufferString(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.dnsToken)
	r.Header.Set("Content-Type", "application/json")
	res, err := c.client(strict, "", "").Do(r)
	if err != nil {
		return fmt.Errorf("switch dns: %w", err)
	}
	defer res.Body.Close()
	var now struct{ Record string }
	err = json.NewDecoder(io.LimitReader(res.Body, maxAnswerBytes)).Decode(&now)
	if res.StatusCode != http.StatusOK || err != nil || now.Record != recordStandby {
		return fmt.Errorf("switch dns: the answer is %s with record %q", res.Status, now.Record)
	}
	return nil
}

// resolve asks the resolver for the public name, as a client would.
func (c *Controller) resolve(ctx context.Context) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
	defer cancel()
	q := new(dns.Msg)
	q.SetQuestion(c.config.DNS.Name, dns.TypeA)
	r, _, err := new(dns.Client).ExchangeContext(ctx, q, c.config.DNS.Resolver)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("resolve %s: %w", c.config.DNS.Name, err)
	}
	for _, rr := range r.Answer {
		if a, ok := rr.(*dns.A); ok {
			if ip, ok := netip.AddrFromSlice(a.A.To4()); ok {
				return ip, nil
			}
		}
	}
	return netip.Addr{}, fmt.Errorf("resolve %s: no address in the answer (%s)", c.config.DNS.Name, dns.RcodeToString[r.Rcode])
}

// verified is what the end-to-end query found.
type verified struct {
	Address  netip.Addr
	Region   string    `json:"region"`
	Build    string    `json:"build"`
	DataAsOf time.Time `json:"data_as_of"`
	Results  []any     `json:"results"`
}

// verify goes the way of a client: resolve the public name, ask a query there, and look who answered.
func (c *Controller) verify(ctx context.Context) (verified, error) {
	ip, err := c.resolve(ctx)
	if err != nil {
		return verified{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]any{"namespace": c.config.Verify.Namespace, "text": c.config.Verify.Text, "k": 1})
	if err != nil {
		return verified{}, fmt.Errorf("encode query: %w", err)
	}
	end := c.config.Regions.Standby
	address := net.JoinHostPort(ip.String(), strconv.Itoa(c.config.DNS.Port))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+net.JoinHostPort(end.ServerName, strconv.Itoa(c.config.DNS.Port))+"/query", bytes.NewReader(body))
	if err != nil {
		return verified{}, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := c.client(strict, end.ServerName, address).Do(r)
	if err != nil {
		return verified{}, fmt.Errorf("query %s: %w", address, err)
	}
	defer res.Body.Close()
	v := verified{Address: ip}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswerBytes)).Decode(&v); err != nil || res.StatusCode != http.StatusOK {
		return v, fmt.Errorf("query %s: the answer is %s (%v)", address, res.Status, err)
	}
	if v.Region != end.Name {
		return v, fmt.Errorf("query %s: region %q answered, want %q", address, v.Region, end.Name)
	}
	return v, nil
}
