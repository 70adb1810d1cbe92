package probes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"blackstart/harness"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestEveryKindIsDescribedAndRefusesABadConfig(t *testing.T) {
	access := func(string, string) (harness.Access, error) { return harness.Access{}, errors.New("no path") }
	for _, kind := range Probes.All() {
		if kind.Doc == "" || kind.Example == "" || kind.New().Every() <= 0 {
			t.Errorf("%s lacks words or a pace", kind.Name)
		}
		unknown := harness.ProbeConfig{Target: twoRegions(), Clock: harness.NewClock(), Access: access, Region: "north"}
		for name, c := range map[string]harness.ProbeConfig{
			"nothing":     {},
			"no target":   {Clock: harness.NewClock(), Access: access},
			"no access":   {Clock: harness.NewClock()},
			"no such one": unknown,
		} {
			if kind.New().Traits().Speaks == "" && name == "no such one" {
				continue // it asks about the public entry, whatever the region
			}
			if p, err := kind.New().Open(t.Context(), c); err == nil {
				p.Close()
				t.Errorf("%s: opened with %s", kind.Name, name)
			}
		}
	}
}

func TestUnreachableIsAnAnswer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it accepts and never speaks
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for name, address := range map[string]string{"no path": "", "bad address": "nowhere", "mute": silent.Addr().String()} {
		c := harness.ProbeConfig{Target: twoRegions(), Clock: harness.NewClock(), Access: func(string, string) (harness.Access, error) {
			if address == "" {
				return harness.Access{}, errors.New("no path")
			}
			return harness.Access{Address: address, User: "u", Password: "secret", Database: "d"}, nil
		}}
		for _, kind := range []string{"replication.lag", "postgres.writable", "replication.heartbeat"} {
			p := open(t, kind, c)
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			o := p.Ask(ctx)
			cancel()
			if o.OK || o.Reached || o.Detail == "" || strings.Contains(o.Detail, "secret") || o.At.Never() || o.Probe != kind {
				t.Errorf("%s, %s: got %+v", kind, name, o)
			}
			p.Close()
		}
	}
}

func TestJudgeLag(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	healthy := standbyState{recovering: true, received: n(90), replayed: n(80), receivers: 1}
	for _, tc := range []struct {
		name string
		s    primaryState
		c    standbyState
		want int64
		ok   bool
	}{
		{"healthy with slot", primaryState{written: n(100), senders: 1, slots: 1, activeSlots: 1}, healthy, 20, true},
		{"healthy without slots", primaryState{written: n(100), senders: 1}, healthy, 20, true},
		{"standby read later is ahead", primaryState{written: n(70), senders: 1}, healthy, 0, true},
		{"slot not active", primaryState{written: n(100), senders: 1, slots: 1}, healthy, 20, false},
		{"no sender", primaryState{written: n(100), slots: 1, activeSlots: 1}, healthy, 20, false},
		{"no receiver", primaryState{written: n(100), senders: 1}, standbyState{recovering: true, received: n(100), replayed: n(100)}, 0, false},
		{"never received", primaryState{written: n(100), senders: 1}, standbyState{recovering: true, replayed: n(80), receivers: 1}, 100, false},
		{"never replayed", primaryState{written: n(100), senders: 1}, standbyState{recovering: true, received: n(80), receivers: 1}, 100, false},
		{"promoted", primaryState{written: n(100), senders: 1}, standbyState{received: n(1), replayed: n(1), receivers: 1}, 0, false},
		{"source in recovery", primaryState{recovering: true, senders: 1}, healthy, 0, false},
	} {
		got, ok, detail := judgeLag(tc.s, tc.c)
		if got != tc.want || ok != tc.ok || detail == "" {
			t.Errorf("%s: got %d, %v (%s), want %d, %v", tc.name, got, ok, detail, tc.want, tc.ok)
		}
	}
}

func TestHeartbeatFromTheFutureIsNotOurs(t *testing.T) {
	h := &heartbeatProbe{}
	o := harness.Observation{At: harness.Interval{Lo: 100, Hi: 200}}
	if h.judge(&o, true, 150); !o.OK || o.Value != 50 {
		t.Errorf("got %+v, want an age of 50", o)
	}
	if h.judge(&o, true, 201); o.OK {
		t.Errorf("got %+v of a row that is ahead", o)
	}
}

func TestReason(t *testing.T) {
	for want, err := range map[string]error{
		"":                    nil,
		"connection refused":  fmt.Errorf("dial: %w", syscall.ECONNREFUSED),
		"connection reset":    fmt.Errorf("read: %w", syscall.ECONNRESET),
		"no answer in time":   fmt.Errorf("dial: %w", context.DeadlineExceeded),
		"SQLSTATE 57P03: not": fmt.Errorf("ask: %w", &pgconn.PgError{Code: "57P03", Message: "not"}),
		"read 127.0.0.1:5432": errors.New("read 127.0.0.1:43210->127.0.0.1:5432"),
		"two lines":           errors.New("two\nlines"),
	} {
		if got := reason(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if reason(os.ErrDeadlineExceeded) != "no answer in time" {
		t.Error("a deadline is not told as one")
	}
	if got := truncate(strings.Repeat("é", maxDetail)); len(got) > maxDetail || !utf8.ValidString(got) {
		t.Errorf("clipped to %d bytes: %q", len(got), got)
	}
}
