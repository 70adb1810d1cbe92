package workloads

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"

	"blackstart/internal/distrust"
	"blackstart/internal/shortage"
	"blackstart/loadgen"
)

var (
	errResolve       = errors.New("resolve name")
	errWrongAnswer   = errors.New("wrong answer")
	errForeignAnswer = errors.New("answer from another namespace")
	errShape         = fmt.Errorf("%w: no region, build or results", errWrongAnswer)
)

// classify says which outcome an error of a connection or its handshake is.
func classify(err error) loadgen.Outcome {
	if shortage.Note("a load", err) {
		return loadgen.LocalShortage // before all else: nothing that follows from it is a client's outcome
	}
	if errors.Is(err, errResolve) {
		return loadgen.DNS // a time-out of the resolver too: it is named for what failed
	}
	if o := classifyTLS(err); o != loadgen.None {
		return o
	}
	var ne net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return loadgen.Timeout
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH),
		errors.Is(err, syscall.ENETUNREACH):
		return loadgen.Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return loadgen.Reset
	case errors.Is(err, errForeignAnswer):
		return loadgen.ForeignAnswer
	case errors.Is(err, errWrongAnswer):
		return loadgen.WrongAnswer
	}
	return loadgen.Other
}

func classifyTLS(err error) loadgen.Outcome {
	switch distrust.Of(err) {
	case distrust.Expired, distrust.NotValidYet:
		return loadgen.TLSExpired
	case distrust.WrongName:
		return loadgen.TLSName
	case distrust.UnknownIssuer:
		return loadgen.TLSIssuer
	}
	var (
		invalid x509.CertificateInvalidError
		verify  *tls.CertificateVerificationError
		alert   tls.AlertError
		record  tls.RecordHeaderError
		op      *net.OpError
	)
	switch {
	case errors.As(err, &invalid), errors.As(err, &verify), errors.As(err, &alert), errors.As(err, &record):
		return loadgen.TLS
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"):
		return loadgen.TLS // crypto/tls's name for an alert that came, or went
	}
	return loadgen.None
}

const (
	maxTallied  = 64 // different texts a tally tells apart
	maxTallyLen = 200
	tallyRest   = "other errors"
)

// tally counts errors by their text without what differs from one connection to
// the next.
type tally struct {
	mu     sync.Mutex
	counts map[string]uint64
}

func (t *tally) add(err error) {
	text := Normalise(err.Error())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[string]uint64)
	}
	if _, known := t.counts[text]; !known && len(t.counts) >= maxTallied {
		text = tallyRest
	}
	t.counts[text]++
}

// Errors returns a copy of the counts.
func (t *tally) Errors() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[string]uint64, len(t.counts))
	for text, n := range t.counts {
		out[text] = n
	}
	return out
}

// Normalise removes the client's own address and port ("127.0.0.1:4001->"), which
// differ with every connection, from the text of a network error, and cuts it at
// a fixed length. (Thousands of errors come at once in an outage: no regexp.)
func Normalise(text string) string {
	const arrow = "->"
	for from := 0; ; {
		at := strings.Index(text[from:], arrow)
		if at < 0 {
			break
		}
		at += from
		local := strings.LastIndexByte(text[:at], ' ') + 1
		if _, err := netip.ParseAddrPort(text[local:at]); err != nil {
			from = at + len(arrow) // an arrow of another kind
			continue
		}
		text = text[:local] + text[at+len(arrow):]
		from = local
	}
	if len(text) > maxTallyLen {
		text = text[:maxTallyLen]
	}
	return text
}
