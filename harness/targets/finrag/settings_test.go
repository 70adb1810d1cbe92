package finrag

import (
	"strings"
	"testing"
	"time"
)

func TestParseSettings(t *testing.T) {
	s, all, err := ParseSettings(nil)
	if err != nil || s != (Settings{Synchronous: true, Failover: true, Documents: 300, Alarm: true, Preflight: true, Certificates: true, Parity: true}) || len(all) != 10 || all["commit"] != "synchronous" {
		t.Errorf("defaults: %+v, %v, %v", s, all, err)
	}
	s, all, err = ParseSettings(map[string]string{
		"commit": "asynchronous", "wal.latency": "200ms", "controller.failover": "disabled",
		"pager.muted": "true", "documents": "7", "cache": "auto",
		"replication.alarm": "silent-when-broken", "preflight": "disabled", "certificates.check": "disabled", "parity": "disabled",
	})
	if err != nil || s != (Settings{WALLatency: 200 * time.Millisecond, PagerMuted: true, Documents: 7, Cache: true, Alarm: true, Silent: true}) || all["documents"] != "7" {
		t.Errorf("all set: %+v, %v, %v", s, all, err)
	}
	for _, tt := range []struct{ key, value, want string }{
		{"comit", "synchronous", `"comit" is not known: did you mean "commit"?`},
		{"zzzzzzzz", "1", "write one of cache, certificates.check, commit, controller.failover, documents, pager.muted, parity, preflight, replication.alarm, wal.latency"},
		{"commit", "synchronus", `did you mean "synchronous"?`},
		{"commit", "Synchronous", `did you mean "synchronous"?`},
		{"wal.latency", "200", "such as 200ms"},
		{"wal.latency", "-1ms", "such as 200ms"},
		{"wal.latency", "1h", "such as 200ms"},
		{"wal.latency", "1us", "such as 200ms"},
		{"controller.failover", "off", "write one of disabled, enabled, manual"},
		{"pager.muted", "yes", "write one of false, true"},
		{"documents", "0", "write 1 to 100000"},
		{"documents", "many", "write 1 to 100000"},
		{"replication.alarm", "silent", "write one of disabled, enabled, silent-when-broken"},
		{"parity", "disable", `did you mean "disabled"?`},
		{"cache", "redis", "write one of auto, none"},
	} {
		_, _, err := ParseSettings(map[string]string{tt.key: tt.value})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %s: %v; want %q", tt.key, tt.value, err, tt.want)
		}
	}
	_, _, err = ParseSettings(map[string]string{"comit": "x", "cache": "x", "documents": "x"})
	if err == nil || strings.Count(err.Error(), "target setting") != 3 {
		t.Errorf("three problems: %v", err)
	}
}

func TestProfiles(t *testing.T) {
	if p, err := ProfileOf("standard"); err != nil || p.alertFloor() != 65*time.Second {
		t.Errorf("standard: %+v, %v", p, err)
	}
	if p, err := ProfileOf(""); err != nil || p.Name != "fast" || p.alertFloor() != 3*time.Second {
		t.Errorf("the default: %+v, %v", p, err)
	}
	if _, err := ProfileOf("fats"); err == nil || !strings.Contains(err.Error(), `did you mean "fast"?`) {
		t.Errorf("a slip of the pen: %v", err)
	}
}
