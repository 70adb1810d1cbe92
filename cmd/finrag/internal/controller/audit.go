package controller

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// The events of the audit log.
const (
	eventStarted          = "started"
	eventCheckFailed      = "check.failed"
	eventDetected         = "failure.detected"
	eventCleared          = "failure.cleared"
	eventRequested        = "failover.requested" // by an operator
	eventDeclared         = "failover.declared"
	eventPreflightPassed  = "preflight.passed"
	eventPreflightFailed  = "preflight.failed"
	eventPreflightSkipped = "preflight.skipped"
	eventFenceDone        = "fence.done"
	eventFenceUnreachable = "fence.unreachable"
	eventPromoted         = "promote.done"
	eventSwitched         = "dns.switched"
	eventVerified         = "verify.passed"
	eventVerifyFailed     = "verify.failed"
	eventDone             = "failover.done"
	eventRefused          = "failover.refused"
	eventEscalated        = "escalated"
	eventLagging          = "replication.lagging"
	eventRecovered        = "replication.recovered"
	eventParityLost       = "parity.lost"
	eventParityRestored   = "parity.restored"
	eventDeployed         = "code.deployed"
	eventNotifySent       = "notify.sent"
	eventNotifyFailed     = "notify.failed"
	eventNotifyMuted      = "notify.muted"

	eventCertificateExpiring = "certificate.expiring"
	eventCertificateExpired  = "certificate.expired"
	eventCertificateInvalid  = "certificate.invalid" // wrong name or unknown issuer
	eventCertificateValid    = "certificate.valid"
	eventCertificateRenewed  = "certificate.renewed"
)

const (
	auditTime = "2006-01-02T15:04:05.000000000Z07:00"
	auditMode = 0o600
)

// detail is what an audit line says beside its event.
type detail map[string]any

type auditLine struct {
	At     string `json:"at"`
	Event  string `json:"event"`
	Detail detail `json:"detail"`
}

// auditLog appends lines to a file, each on disk before write returns. It never changes a line.
type auditLog struct {
	mu sync.Mutex
	f  *os.File
}

// openAudit opens the log at path. A line that a crash cut short is closed, so that the next one stands alone.
func openAudit(path string) (*auditLog, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, auditMode)
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	last := make([]byte, 1)
	if end, err := f.Seek(0, io.SeekEnd); err == nil && end > 0 {
		if _, err := f.ReadAt(last, end-1); err == nil && last[0] != '\n' {
			_, err = f.Write([]byte("\n"))
			if err != nil {
				f.Close()
				return nil, fmt.Errorf("close cut line of audit log: %w", err)
			}
		}
	}
	return &auditLog{f: f}, nil
}

func (a *auditLog) write(event string, d detail) error {
	if d == nil {
		d = detail{}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	b, err := json.Marshal(auditLine{time.Now().UTC().Format(auditTime), event, d})
	if err != nil {
		return fmt.Errorf("encode audit line %s: %w", event, err)
	}
	if _, err := a.f.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write audit line %s: %w", event, err)
	}
	if err := a.f.Sync(); err != nil {
		return fmt.Errorf("write audit line %s: %w", event, err)
	}
	return nil
}

// copyTo writes the log's whole lines to w.
func (a *auditLog) copyTo(w io.Writer) error {
	b, err := os.ReadFile(a.f.Name())
	if err != nil {
		return fmt.Errorf("read audit log: %w", err)
	}
	_, err = w.Write(b[:bytes.LastIndexByte(b, '\n')+1])
	return err
}

func (a *auditLog) close() error { return a.f.Close() }
