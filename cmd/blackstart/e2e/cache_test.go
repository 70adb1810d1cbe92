package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"blackstart/harness"
	"blackstart/harness/targets/relay"
)

const (
	cachePassword = "pl4nted-Cache-Password"
	cacheCut      = "cut the primary cache off"
	cachePromote  = "let the other cache lead"
	cacheHeal     = "let the primary cache copy the other, and be reached again"
)

const cacheDrill = `apiVersion: blackstart/v1
kind: Scenario
metadata: {name: sessions, title: The primary cache is cut off, why: Sessions live in it, covers: [], doesNotShow: [failback]}
target: {needs: [redis.primary, redis.standby]}
load:
  - {id: sessions, workload: redis.ledger, place: outside, rate: 100/s, timeout: 300ms, with: {amount: "1.00"}}
steadyState: {for: 2s, require: [{load: sessions, successAtLeast: 95%}]}
faults:
  - id: loss
    at: 0s
    kind: fault.manual
    on: primary
    with:
      do: ` + cacheCut + `
      by: operator on duty
      takes: 1s
      inForce: [{check: link.silent, of: redis}]
      undo: ` + cacheHeal + `
      undoWithin: 20s
      restored: [{check: link.answers, of: redis}]
    startsClock: true
    confirmWithin: 10s
recovery: {by: runbook, steps: [{at: 500ms, name: promote, do: "` + cachePromote + `", by: duty manager, takes: 1s, within: 20s}]}
recovered: {window: 2s, minRequests: 20, successAtLeast: 95%, p99AtMost: 250ms}
objectives:
  - {id: lost, measure: rpo.lost, load: sessions, atMost: 0, source: plan}
observe: 9s
settle: 1s
`

// caches is a firm with two Redis servers, of which one copies the other; what leads to the first goes by somebody who acknowledges some writes and keeps none of
// them.
type caches struct {
	t             *testing.T
	dir           string
	east, west    *redis.Client
	clients, copy *relay.Link
	kept          map[string]bool // keys that the old one had when it was cut off
	swallowed     atomic.Int64    // writes that were acknowledged on the way to it, and never arrived
}

func newCaches(t *testing.T) *caches {
	t.Helper()
	c := &caches{t: t, dir: t.TempDir(), kept: map[string]bool{}}
	link := func(to string) *relay.Link {
		l, err := relay.New(deskHost+":0", to)
		must(t, err)
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	c.east = c.server("east")
	c.copy, c.clients = link(c.east.Options().Addr), link(c.liar(c.east.Options().Addr))
	host, port, err := net.SplitHostPort(c.copy.Addr())
	must(t, err)
	c.west = c.server("west", "--replicaof", host+" "+port)
	must(t, within(20*time.Second, func() error { return c.follows(c.west) }))
	return c
}

func (c *caches) server(name string, more ...string) *redis.Client {
	c.t.Helper()
	port := strconv.Itoa(freePort(c.t))
	dir := filepath.Join(c.dir, name)
	must(c.t, os.Mkdir(dir, 0o755))
	cmd := exec.Command("redis-server", append([]string{"--bind", deskHost, "--port", port, "--dir", dir, "--save", "", "--repl-diskless-sync-delay", "0"}, more...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(c.t, cmd.Start())
	c.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	client := redis.NewClient(&redis.Options{Addr: net.JoinHostPort(deskHost, port), MaxRetries: -1})
	c.t.Cleanup(func() { _ = client.Close() })
	must(c.t, within(20*time.Second, func() error { return client.Ping(c.t.Context()).Err() }))
	return client
}

func (c *caches) follows(of *redis.Client) error {
	info, err := of.InfoMap(c.t.Context(), "replication").Result()
	if err == nil && info["Replication"]["master_link_status"] != "up" {
		err = errors.New("the copy is not connected")
	}
	return err
}

// liar stands before a server. Of the writes each twentieth is acknowledged and goes no further.
func (c *caches) liar(to string) string {
	l, err := net.Listen("tcp", deskHost+":0")
	must(c.t, err)
	c.t.Cleanup(func() { _ = l.Close() })
	var writes atomic.Int64
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
			go func() {
				defer out.Close()
				c.carry(bufio.NewReader(in), in, out, &writes)
			}()
		}
	}()
	return l.Addr().String()
}

// carry hands commands on, one after the other, as a client that waits for each answer sends them.
func (c *caches) carry(from *bufio.Reader, answer, to io.Writer, writes *atomic.Int64) {
	for {
		head, err := from.ReadString('\n')
		if err != nil {
			return
		}
		n, _ := strconv.Atoi(strings.Trim(head, "*\r\n"))
		command, words := head, []string{}
		for range 2 * n { // the length of a word, and the word
			line, err := from.ReadString('\n')
			if err != nil {
				return
			}
			command, words = command+line, append(words, strings.TrimSpace(line))
		}
		if len(words) > 3 && strings.EqualFold(words[1], "rpush") && !strings.HasSuffix(words[3], ":check") && writes.Add(1)%20 == 0 {
			c.swallowed.Add(1)
			_, err = io.WriteString(answer, ":1\r\n")
		} else {
			_, err = io.WriteString(to, command)
		}
		if err != nil {
			return
		}
	}
}

// keys are those of the ledger on a server.
func (c *caches) keys(of *redis.Client) (map[string]bool, error) {
	all, err := of.Keys(c.t.Context(), "blackstart:ledger:*").Result()
	set := map[string]bool{}
	for _, key := range all {
		set[key] = true
	}
	return set, err
}

// act is what the firm's people do. What the old server has when it is cut off was acknowledged to somebody: it takes no more before that.
func (c *caches) act(task string) (err error) {
	ctx := c.t.Context()
	switch task {
	case cacheCut:
		if err = c.copy.Cut(relay.Both); err != nil {
			return err
		}
		before := c.east.DBSize(ctx).Val()
		if err = within(20*time.Second, func() error {
			if n, err := c.east.DBSize(ctx).Result(); err != nil || n < before+40 {
				return errors.Join(err, errors.New("too few writes yet"))
			}
			return nil
		}); err != nil {
			return err
		}
		if err = c.east.ConfigSet(ctx, "min-replicas-to-write", "2").Err(); err != nil {
			return err
		}
		time.Sleep(400 * time.Millisecond) // what was under way has been answered
		if c.kept, err = c.keys(c.east); err != nil {
			return err
		}
		return c.clients.Cut(relay.Both)
	case cachePromote:
		return c.west.ReplicaOf(ctx, "NO", "ONE").Err()
	case cacheHeal:
		host, port, _ := net.SplitHostPort(c.west.Options().Addr)
		if err = errors.Join(c.east.ReplicaOf(ctx, host, port).Err(), c.clients.Heal(), c.copy.Heal()); err != nil {
			return err
		}
		return within(10*time.Second, func() error { return c.follows(c.east) })
	}
	return fmt.Errorf("nobody here knows how to %q", task)
}

func (c *caches) describe() (file string) {
	c.t.Helper()
	must(c.t, os.WriteFile(filepath.Join(c.dir, "password"), []byte(cachePassword+"\n"), 0o600))
	node := func(region, address string) string {
		host, port, err := net.SplitHostPort(address)
		must(c.t, err)
		return fmt.Sprintf("  - {name: %s.cache, kind: redis, region: %[1]s, address: %s, port: %s, with: {user: blackstart, password: {file: %s/password}, encryption: none}}\n", region, host, port, c.dir)
	}
	text := "apiVersion: blackstart.target/v1\nkind: Target\nmetadata: {name: cache, owner: Session desk, environment: rehearsal, critical: true, service: Sessions, plan: BCP 4.3}\n" +
		"regions: [{name: east, role: primary}, {name: west, role: standby}]\ncomponents:\n" + node("east", c.clients.Addr()) + node("west", c.west.Options().Addr) +
		"links: [{name: clients, from: outside, to: east.cache}, {name: others, from: outside, to: west.cache}]\n" +
		"allows: [{write: ledger, on: east.cache}, {write: ledger, on: west.cache}]\n"
	file = filepath.Join(c.dir, "cache.target.yaml")
	must(c.t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// TestLostWritesOfACacheOfOthers: with what `target ddl` prints and nothing more, a drill writes to the Redis servers of somebody else. What the old one alone had acknowledged,
// and what somebody on the way acknowledged and threw away, is lost and counted exactly; the old side is said not to be read.
func TestLostWritesOfACacheOfOthers(t *testing.T) {
	c, b := newCaches(t), newBox(t)
	file := c.describe()
	for name, server := range map[string]*redis.Client{"east.cache": c.east, "west.cache": c.west} {
		o := b.run(t, "target", "ddl", file, "--on", name)
		words := strings.Fields(o.stdout)
		if o.exit != 0 || len(words) < 4 || strings.Join(words[:3], " ") != "ACL SETUSER blackstart" {
			t.Fatalf("exit %d: %s%s", o.exit, o.stdout, o.stderr)
		}
		var line []any
		for _, w := range append(words, ">"+cachePassword) {
			line = append(line, w)
		}
		must(t, server.Do(t.Context(), line...).Err())
	}
	scenario := filepath.Join(c.dir, "sessions.yaml")
	must(t, os.WriteFile(scenario, []byte(cacheDrill), 0o600))
	o := b.run(t, "target", "check", file, scenario)
	if o.exit != 0 || !strings.Contains(o.stdout, "it could run here") || c.east.DBSize(t.Context()).Val() != 0 {
		t.Fatalf("exit %d: %s%s", o.exit, o.stdout, o.stderr)
	}
	dir := t.TempDir()
	defer inDirectory(t, dir, c.act)()
	o = b.begin(t, "", nil, scenario, "--target", file, "--people", "dir:"+dir).ended(t)
	now, err := c.keys(c.west)
	must(t, err)
	truth := int(c.swallowed.Load())
	for key := range c.kept {
		if !now[key] {
			truth++
		}
	}
	if o.exit != harness.ExitFail || !strings.HasPrefix(o.firstLine(), fmt.Sprintf("FAIL: lost: %d, objective 0 (plan)", truth)) || truth < 40+int(c.swallowed.Load()) || c.swallowed.Load() < 5 {
		t.Fatalf("exit %d, %d are gone, of which %d never arrived: %s\n%s", o.exit, truth, c.swallowed.Load(), o.firstLine(), o.stderr)
	}
	l := readRecord(t, b, "sessions").Ledger
	if !l.Promoted || !l.Read || l.OldRead || !strings.Contains(l.OldDetail, "client side only") || !strings.Contains(l.OldDetail, "Redis") {
		t.Errorf("%+v", l)
	}
	b.accepted(t, "sessions")
	t.Log(o.firstLine())
}
