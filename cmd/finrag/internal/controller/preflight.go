package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	liveTimeout       = 2 * time.Second // all live facts of the standby together
	preflightAttempts = 3               // a single slow answer must not refuse a failover
	preflightPause    = 200 * time.Millisecond
	starvedLooks      = 10 // in a row, replayPoll apart
	resultPassed      = "passed"
	resultFailed      = "failed"
	resultNotCovered  = "not covered"
	certificateCheck  = "certificate"
)

// finding is one question of pre-flight and its answer.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"`
	Detail string `json:"detail"`
}

func found(check string, ok bool, format string, args ...any) finding {
	f := finding{check, resultFailed, fmt.Sprintf(format, args...)}
	if ok {
		f.Result = resultPassed
	}
	return f
}

// failed joins the findings that failed; empty means that pre-flight passed.
func failed(findings []finding) string {
	var bad []string
	for _, f := range findings {
		if f.Result == resultFailed {
			bad = append(bad, f.Check+": "+f.Detail)
		}
	}
	return strings.Join(bad, "; ")
}

// preflight asks whether the standby may be promoted: what was last known of both regions before the failure, and what
// the standby says now. A standby that does not answer is a standby that may not. Code that differs and a certificate that
// has run out are mended where that is configured, but not for a standby that will be refused anyway.
func (c *Controller) preflight(ctx context.Context) []finding {
	firm := c.judgeBasis()
	if failed(firm) == "" {
		firm = append(firm, c.settleParity(ctx))
	}
	if failed(firm) != "" {
		live, _ := c.judgeLive(ctx)
		return append(firm, live...)
	}
	var renewal error
	for attempt, renewed := 1, false; ; attempt++ {
		live, certificate := c.judgeLive(ctx)
		findings := slices.Concat(firm, live)
		if failed(findings) == "" {
			return findings
		}
		if !renewed && c.mayRenew(certificate) {
			if renewal = c.renew(ctx, c.config.Regions.Standby); renewal == nil {
				renewed = true
				continue // the check is made again
			}
		}
		if attempt >= preflightAttempts || pause(ctx, preflightPause) != nil {
			return withRenewal(findings, renewal)
		}
	}
}

// mayRenew reports whether a certificate that failed is one that a renewal mends.
func (c *Controller) mayRenew(f CertificateFacts) bool {
	return c.config.Preflight.Certificate && c.config.Certificates.Renews() && f.expired(time.Now())
}

// withRenewal adds to the finding of the certificate why it was not renewed.
func withRenewal(findings []finding, err error) []finding {
	for i, f := range findings {
		if err != nil && f.Check == certificateCheck && f.Result == resultFailed {
			findings[i].Detail += "; it was not renewed: " + err.Error()
		}
	}
	return findings
}

// enough reports whether have is the wanted share of all; everything is always enough, nothing of nothing is not.
func (c *Controller) enough(have, all int64) bool {
	if all <= 0 {
		return false
	}
	return have >= all || float64(have)/float64(all) > c.config.Preflight.RowConsistency
}

// judgeBasis looks at the last complete readiness sample before the first failed check.
func (c *Controller) judgeBasis() []finding {
	basis, limit := c.state.Basis, c.config.Preflight.ReadinessMaxAge.D()
	if basis == nil || c.state.FirstFailedAt == nil {
		return []finding{found("readiness sample", false, "there is none from before the first failed check")}
	}
	age := c.state.FirstFailedAt.Sub(basis.At)
	primary, standby := basis.Primary.Database.Rows, basis.Standby.Database.Rows
	return []finding{
		found("readiness sample", age <= limit, "%s old at the first failed check, limit %s", age.Round(time.Millisecond), limit),
		found("row consistency", c.enough(standby, primary), "standby has %d of %d rows, wanted more than %v of them",
			standby, primary, c.config.Preflight.RowConsistency),
		c.judgeDataAge(basis),
	}
}

// judgeDataAge says how old the standby's data was in the last complete sample before the first failed check.
func (c *Controller) judgeDataAge(basis *Sample) finding {
	limit := c.config.Preflight.DataAge.D()
	age, known := basis.lag()
	if !known {
		return found("data age", false, "the age of the standby's data is not known")
	}
	return found("data age", age <= limit, "the standby's data is %s old, at most %s are allowed", seconds(age), seconds(limit))
}

// judgeLive asks the standby itself.
func (c *Controller) judgeLive(ctx context.Context) ([]finding, CertificateFacts) {
	ctx, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	end := c.config.Regions.Standby
	var facts NodeFacts
	var api APIFacts
	var certificate CertificateFacts
	var wg sync.WaitGroup
	wg.Go(func() { facts = replayedFacts(ctx, newNode(end)) })
	wg.Go(func() { api = c.apiFacts(ctx, end) })
	wg.Go(func() { certificate = c.certificateFacts(ctx, end) })
	wg.Wait()
	findings := []finding{
		found("database", facts.OK && facts.Role == roleStandby, "role %q %s", facts.Role, facts.Error),
		found("wal replayed", facts.Replayed, "received %q, replayed %q, waits for more: %t", facts.ReceivedLSN, facts.ReplayedLSN, facts.Starved),
		found("api", api.OK, "%s", orElse(api.Error, "healthy")),
		c.judgeStandbyCertificate(certificate),
	}
	if api.Cache == "" { // the API told nothing
		return append(findings, found("vector index", false, "not known"), found("cache", false, "not known")), certificate
	}
	indexed := api.VectorCount > 0 && c.enough(int64(api.VectorCount), facts.Rows)
	findings = append(findings, found("vector index", indexed, "%d of %d rows indexed", api.VectorCount, facts.Rows))
	if api.Cache == "none" {
		return append(findings, finding{"cache", resultNotCovered, "no cache is configured"}), certificate
	}
	return append(findings, found("cache", api.Cache == "ok", "%s", api.Cache)), certificate
}

func (c *Controller) judgeStandbyCertificate(f CertificateFacts) finding {
	switch {
	case !c.config.Certificates.Check || !c.config.Preflight.Certificate:
		return finding{certificateCheck, resultNotCovered, "certificates.check or preflight.certificate is false"}
	case !f.OK:
		return found(certificateCheck, false, "%s", f.Error)
	case f.expired(time.Now()):
		return found(certificateCheck, false, "it has expired at %s", f.NotAfter.Format(time.RFC3339))
	}
	return found(certificateCheck, true, "valid until %s", f.NotAfter.Format(time.RFC3339))
}

// replayedFacts asks until all received log is replayed, or ctx ends; it returns the last answer.
//
// A primary that is cut off may leave the head of a record whose rest never arrives: then replay can never reach what was
// received. That is so when replay waits for more log, and nothing has moved, in several looks in a row.
func replayedFacts(ctx context.Context, n *node) NodeFacts {
	defer n.close()
	var w replayWatch
	for {
		f := w.observe(n.facts(ctx))
		if !f.OK || f.Replayed || f.ReceivedLSN == "" || pause(ctx, replayPoll) != nil {
			return f
		}
	}
}

// replayWatch tells a replay that has nothing more to do from one that is behind.
type replayWatch struct {
	last  NodeFacts
	still int // looks in a row without a change
}

func (w *replayWatch) observe(f NodeFacts) NodeFacts {
	if f.OK && f.Starved && f.ReceivedLSN != "" && f.ReceivedLSN == w.last.ReceivedLSN && f.ReplayedLSN == w.last.ReplayedLSN {
		w.still++
	} else {
		w.still = 0
	}
	w.last = f
	if w.still >= starvedLooks {
		f.Replayed = true
	}
	return f
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
