package component

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"blackstart/harness/secret"
	"blackstart/harness/target"
)

// owned gives a client of a server's owner.
func owned(t *testing.T, address string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: address, Password: "pl4nted-Secret", MaxRetries: -1})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// The rights to write are tried, each of them, on who leads and on a copy; nothing is there afterwards.
func TestARedisIsTriedAndNothingIsLeft(t *testing.T) {
	k := &redisKind{redisWith{User: "watcher", Encryption: "none", Password: &secret.Reference{Env: "PLANTED"}}}
	allowed := &target.Target{Allows: []target.Allow{{Write: target.WriteLedger, On: "cache"}}}
	_, rights := k.ACL(allowed, "cache")
	leader := startRedis(t)
	host, port, _ := strings.Cut(leader, ":")
	copied := startRedis(t, "replicaof "+host+" "+port)
	at := func(address string) At { return At{Address: address, Secrets: secrets(t, "pl4nted-Secret")} }
	grant := func(address string, lacking int) {
		line := []any{"ACL", "SETUSER", "watcher", "reset", "on", ">pl4nted-Secret"}
		for i, right := range rights {
			if i != lacking {
				line = append(line, right)
			}
		}
		if err := owned(t, address).Do(t.Context(), line...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	var before string
	for i, address := range []string{leader, copied} {
		grant(address, -1)
		text, err := k.MayWrite(t.Context(), at(address), target.WriteLedger)
		if want := []string{"was queued and given up; nothing was written", "it is a replica; its user may write"}[i]; err != nil || !strings.Contains(text, want) {
			t.Errorf("%s, %v; want %s", text, err, want)
		}
		eventually(t, "the copy is connected", func() bool {
			return owned(t, leader).Info(t.Context(), "replication").Val() != "" && follows(t, copied)
		})
		before = state(t, leader)
		for lacking, right := range rights {
			grant(address, lacking)
			_, err := k.MayWrite(t.Context(), at(address), target.WriteLedger)
			switch {
			case right == "+time", right == "+discard" && address == copied: // a replica has said no before
			case err == nil || !Refused(err) || !strings.Contains(err.Error(), "NOPERM") && !strings.Contains(err.Error(), "permission"):
				t.Errorf("without %s: %v", right, err)
			}
		}
		if now := state(t, leader); now != before {
			t.Errorf("it was %s, and is %s", before, now)
		}
	}
	if err := owned(t, leader).RPush(t.Context(), redisTried, "x").Err(); err != nil || state(t, leader) == before {
		t.Errorf("a write changes nothing: the comparison sees nothing (%v)", err)
	}
}

func follows(t *testing.T, address string) bool {
	info, err := owned(t, address).InfoMap(t.Context(), "replication").Result()
	return err == nil && info["Replication"]["master_link_status"] == "up"
}

// state is what a write would change.
func state(t *testing.T, address string) string {
	all, err := owned(t, address).InfoMap(t.Context(), "persistence").Result()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d keys, %s changes", owned(t, address).DBSize(t.Context()).Val(), all["Persistence"]["rdb_changes_since_last_save"])
}

// Who takes no write of ours now, or would throw it away, is told so.
func TestARedisThatIsNoPlaceForALedger(t *testing.T) {
	k := &redisKind{redisWith{Encryption: "none", Password: &secret.Reference{Env: "PLANTED"}}}
	for option, want := range map[string]string{
		"cluster-enabled yes":                                   `refused: not supported: it runs in mode "cluster"`,
		"min-replicas-to-write 1":                               "refused: it refuses RPUSH blackstart:ledger:*: NOREPLICAS",
		"maxmemory 100mb\nmaxmemory-policy allkeys-lru":         "given up; nothing was written, and what a drill writes there stays; its maxmemory-policy is allkeys-lru: what it evicts will be counted as lost",
		"maxmemory 100mb\nmaxmemory-policy noeviction":          "given up; nothing was written, and what a drill writes there stays",
		"rename-command RPUSH \"\"":                             "refused: it refuses RPUSH blackstart:ledger:*: ERR unknown command",
		"rename-command MULTI \"\"\nrename-command EXEC hidden": "refused: it refuses MULTI blackstart:ledger:*: ERR unknown command",
	} {
		text, err := k.MayWrite(t.Context(), At{Address: startRedis(t, option), Secrets: secrets(t, "pl4nted-Secret")}, target.WriteLedger)
		if Refused(err) {
			text = "refused: " + err.Error()
		} else if err != nil {
			t.Errorf("%s: %v", option, err)
		}
		if !strings.Contains(text, want) || !strings.HasSuffix(want, "stays") == strings.HasSuffix(text, "stays") {
			t.Errorf("%s: %s, want %s", option, text, want)
		}
	}
	if _, err := k.MayWrite(t.Context(), At{Address: "127.0.0.1:1", Secrets: secrets(t, "x")}, target.WriteLedger); err == nil || Refused(err) {
		t.Errorf("nobody there: %v", err)
	}
}
