package call

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Calls.Add(registry.Kind[Kind]{
	Name: "redis",
	Doc: "Sends one command to a Redis component, or to a Sentinel, with the user that the file has for it. What it says is JSON: a text, a number, null or a list; of " +
		"INFO an object. An error of the server is refused, but for one of a script or a transaction, which may have changed something: that, and no " +
		"answer in time, is unknown. One that reads is one of the commands that only read.",
	Example: "{name: master, call: redis, reads: true, timeout: 5s, fields: {host: /0}, with: {on: sentinel-1, command: [SENTINEL, GET-MASTER-ADDR-BY-NAME, orders]}}",
	New:     func() Kind { return &redisCall{} },
})

type redisCall struct{ with redisWith }

type redisWith struct {
	On      string   `yaml:"on" need:"yes" doc:"the component"`
	Command []string `yaml:"command" need:"yes" doc:"the command and its arguments"`
}

// redisReads are commands that only read; those with a space are told by their first two words.
var redisReads = strings.Split("GET MGET GETRANGE STRLEN EXISTS TYPE TTL PTTL EXPIRETIME LLEN LRANGE LINDEX SCARD SMEMBERS SISMEMBER ZCARD ZCOUNT ZRANGE ZSCORE "+
	"HLEN HGET HMGET HGETALL HEXISTS XLEN XRANGE XINFO DBSIZE INFO TIME ROLE LASTSAVE PING", " ")

var redisReadPairs = []string{"CONFIG GET", "CLIENT INFO", "MEMORY USAGE", "OBJECT ENCODING", "CLUSTER INFO", "CLUSTER NODES", "SENTINEL MASTERS", "SENTINEL MASTER",
	"SENTINEL REPLICAS", "SENTINEL SENTINELS", "SENTINEL GET-MASTER-ADDR-BY-NAME", "SENTINEL CKQUORUM", "SENTINEL MYID"}

// redisActsBefore are commands that may have changed something when they fail.
var redisActsBefore = []string{"EVAL", "EVALSHA", "FCALL", "EXEC"}

// name is the command in capitals.
func (w redisWith) name() string { return strings.ToUpper(w.Command[0]) }

func (w redisWith) reads() bool {
	pair := w.name()
	if len(w.Command) > 1 {
		pair += " " + strings.ToUpper(w.Command[1])
	}
	return slices.Contains(redisReads, w.name()) || slices.Contains(redisReadPairs, pair)
}

// carriesSecret tells whether a command has a password among its arguments.
func (w redisWith) carriesSecret() bool {
	return slices.Contains([]string{"AUTH", "HELLO", "ACL", "MIGRATE"}, w.name()) || slices.ContainsFunc(w.Command, func(word string) bool {
		return slices.Contains([]string{"requirepass", "masterauth", "auth-pass", "sentinel-pass"}, strings.ToLower(word))
	})
}

// Wrong implements target.Judge.
func (w redisWith) Wrong(t *target.Target, reads bool) (key, wrong, hint string) {
	c, ok := t.ComponentByName(w.On)
	k, known := component.Kinds.Get(c.Kind)
	switch {
	case !ok:
		return "on", fmt.Sprintf("is %q, and there is no such component", w.On), "name a component of kind redis"
	case known && !component.SpeaksRedis(k.New()):
		return "on", "is no Redis", "name a component of kind redis"
	case len(w.Command) == 0 || w.Command[0] == "":
		return "command", "is empty", "write a command and its arguments: [GET, key]"
	case w.carriesSecret():
		return "command", "carries a secret, which would stand here as it is", "leave it to the people who keep it"
	case reads && !w.reads():
		return "command", "is " + w.name() + ", which may do more than read", "write one that only reads, such as GET, INFO or ROLE, or leave reads out"
	}
	return "", "", ""
}

// With implements registry.Parametrised.
func (r *redisCall) With() any { return &r.with }

// Needs implements component.Needing: what the user needs beside what a check asks for.
func (r *redisCall) Needs() string {
	return fmt.Sprintf("the user of %s: +ping +%s", r.with.On, strings.ToLower(r.with.name()))
}

func (r *redisCall) Call(ctx context.Context, around Around, _ bool) Said {
	a, err := around.redis(ctx, r.with.On)
	if err != nil {
		return unsent(err)
	}
	var answer any
	var sent bool
	_, err = component.AskRedis(ctx, a, func(c *redis.Client) (err error) {
		if err = c.Ping(ctx).Err(); err != nil { // who lets us in says so before anything is sent that could act
			return err
		}
		sent = true
		answer, err = c.Do(ctx, words(r.with.Command)...).Result()
		return err
	})
	switch {
	case errors.Is(err, redis.Nil):
		answer = nil
	case err != nil && !sent:
		return unsent(err)
	case component.Refused(err) && !slices.Contains(redisActsBefore, r.with.name()):
		return Said{Outcome: Refused, Why: err.Error(), Answered: true}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return over("no answer in time")
	case err != nil:
		return over(err.Error())
	}
	if text, ok := answer.(string); ok && r.with.name() == "INFO" {
		answer = component.ParseRedisInfo(text)
	}
	out, err := json.Marshal(answer)
	if err != nil {
		return over(err.Error())
	}
	return Said{Outcome: Done, Output: out[:min(len(out), MaxOutput)], Over: len(out) > MaxOutput}
}

// words are a command as the library takes it.
func words(command []string) (all []any) {
	for _, w := range command {
		all = append(all, w)
	}
	return all
}

// Reach asks the server whether it lets us in, and nothing else.
func (r *redisCall) Reach(ctx context.Context, around Around) (string, error) {
	a, err := around.redis(ctx, r.with.On)
	if err != nil {
		return "", err
	}
	_, err = component.AskRedis(ctx, a, func(c *redis.Client) error { return c.Ping(ctx).Err() })
	return r.with.On + " lets the user in", err
}

func (a Around) redis(ctx context.Context, name string) (harness.Access, error) {
	if a.Redis == nil {
		return harness.Access{}, errors.New("not available: no command can be sent for this")
	}
	return a.Redis(ctx, name)
}
