package workloads

import (
	"crypto/tls"
	"testing"
)

// Each address is entered in its own way, and one that has none in that of all.
func TestLogins(t *testing.T) {
	east, west := &tls.Config{ServerName: "east"}, &tls.Config{ServerName: "west"}
	d := Database{User: "u", Password: "p", Name: "n", TLS: east, Logins: map[string]Login{"b:1": {User: "v", Password: "q", Name: "m", TLS: west, Auth: "scram-sha-256"}}}
	if got := d.params("a:1"); got.User != "u" || got.Password != "p" || got.Database != "n" || got.TLS != east || got.Auth != "" || got.Address != "a:1" {
		t.Error("an address without a way of its own is entered in another than that of all")
	}
	if got := d.params("b:1"); got.User != "v" || got.Password != "q" || got.Database != "m" || got.TLS != west || got.Auth != "scram-sha-256" {
		t.Error("an address is not entered in its own way")
	}
}
