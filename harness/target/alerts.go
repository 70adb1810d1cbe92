package target

import (
	"cmp"
	"time"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/internal/jsonpointer"
)

// Alert is one place where alerts of the target can be seen: messages that it sends to an address of ours, or a state that is asked for.
type Alert struct {
	Name      string              `yaml:"name" need:"yes" doc:"what an objective calls the channel: see blackstart list channels"`
	Channel   string              `yaml:"channel" need:"yes" doc:"kind of channel: one that is received (blackstart list channels) or polled (blackstart list pollers)"`
	Listen    string              `yaml:"listen" doc:"received: address:port of ours, always the same, that the target sends to"`
	TLS       *ServerTLS          `yaml:"tls" doc:"received: what our end shows; without it there is no TLS"`
	Key       *secret.Reference   `yaml:"key" doc:"received: where the key is that the target's alert configuration has for drills: routing key, token, last part of a path, or recipient"`
	Every     harness.Duration    `yaml:"every" doc:"polled: how often it is asked, 1s to 10m; 5s if not written"`
	Correlate harness.Correlation `yaml:"correlate" need:"yes" doc:"by what an alert is told to be of the drill"`
	With      map[string]any      `yaml:"with" with:"alerts channel" doc:"parameters of the kind"`
}

// ServerTLS is what an end of ours shows.
type ServerTLS struct {
	Certificate string            `yaml:"certificate" need:"yes" doc:"path of the certificate, with its chain, in PEM"`
	Key         *secret.Reference `yaml:"key" need:"yes" doc:"where its key is"`
}

// defaultPace is how often a channel is asked for its state where the file does not say.
const defaultPace = 5 * time.Second

// Pace is how often the channel is asked for its state.
func (a Alert) Pace() time.Duration { return cmp.Or(a.Every.D(), defaultPace) }

// AlertTraits are what the reader must know of a kind of channel.
type AlertTraits struct {
	Polled  bool
	Carries map[string][]string // fields of an alert, by the names that an objective uses
	Labels  bool                // it carries labels by any name
}

// keyed tells whether alerts have a deduplication key: where the end of a trouble is told, it is told of which.
func (t AlertTraits) keyed() bool { return len(t.Carries["event"]) > 1 }

// Decisions says where the target's own account of a failover is, and how it is read.
type Decisions struct {
	Call     string              `yaml:"call" doc:"name of a call with reads: true that prints the log, 1 MiB at most"`
	File     string              `yaml:"file" doc:"absolute path of the log on this machine; its last MiB is read"`
	Clock    string              `yaml:"clock" doc:"whose clock dates it: a component or a host; that of the host of its call if not written. With it times are bounded by what was measured"`
	Lines    string              `yaml:"lines" need:"yes" one:"text|json" doc:"what it consists of: lines of text, or JSON objects, a line each or in a list"`
	Time     jsonpointer.Pointer `yaml:"time" doc:"of json: pointer to the time; /at if not written. Text has it in the group time of each pattern"`
	Event    jsonpointer.Pointer `yaml:"event" doc:"of json: pointer to the word that the patterns are held against; /event if not written"`
	Reason   jsonpointer.Pointer `yaml:"reason" doc:"of json: pointer to why. Text may have it in a group reason"`
	Region   jsonpointer.Pointer `yaml:"region" doc:"of json: pointer to the region it speaks of. Text may have it in a group region"`
	Zone     string              `yaml:"zone" doc:"time zone of times that do not say theirs; UTC if not written"`
	Detected string              `yaml:"detected" doc:"regular expression (RE2): the failure is certain. Of text, anywhere in a line, with a group (?P<time>…); of json, the whole word of event"`
	Declared string              `yaml:"declared" doc:"the same: a failover was declared"`
	Promoted string              `yaml:"promoted" doc:"the same: the standby was promoted"`
	Refused  string              `yaml:"refused" doc:"the same: a failover was refused"`
	Switched string              `yaml:"switched" doc:"the same: clients were sent to the other region"`
	Done     string              `yaml:"done" doc:"the same: the failover is complete"`
}

// Pattern is what means one of the words of a failover.
type Pattern struct{ Word, Pattern string }

// Words of a failover, as the record has them of a target that is described in a file.
const (
	Detected = "detected"
	Declared = "declared"
	Promoted = "promoted"
	Refused  = "refused"
	Switched = "switched"
	Done     = "done"
)

// Patterns are those that are written.
func (d Decisions) Patterns() (all []Pattern) {
	for _, p := range []Pattern{{Detected, d.Detected}, {Declared, d.Declared}, {Promoted, d.Promoted}, {Refused, d.Refused}, {Switched, d.Switched}, {Done, d.Done}} {
		if p.Pattern != "" {
			all = append(all, p)
		}
	}
	return all
}

// Announce is one message to people: a call of the file, or a text to an incoming webhook of Slack.
type Announce struct {
	Name  string            `yaml:"name" need:"yes" doc:"its name, which allows: lists"`
	Call  string            `yaml:"call" doc:"the call that tells them"`
	Slack *secret.Reference `yaml:"slack" doc:"where the URL of an incoming webhook is; it is a secret"`
	Text  string            `yaml:"text" doc:"of slack: what is told, before what drill it is"`
	TLS   TLS               `yaml:"tls" doc:"of slack: what is trusted and shown"`
}

// MayAnnounce tells whether an announcement may be made.
func (t Target) MayAnnounce(name string) bool {
	for _, a := range t.Allows {
		if a.Announce == name && name != "" {
			return true
		}
	}
	return false
}

// CallByName finds a call.
func (t Target) CallByName(name string) (Call, bool) {
	for _, c := range t.Calls {
		if c.Name == name {
			return c, true
		}
	}
	return Call{}, false
}
