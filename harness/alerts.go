package harness

import "time"

// Channel is one alert path, and where it ends.
type Channel struct {
	Name  string `json:"name"` // pagerduty, slack, smtp, statuspage
	Muted bool   `json:"muted"`

	// Of a target that is described in a file.
	Kind      string       `json:"kind,omitempty"`      // of what stands behind the name
	PolledNS  int64        `json:"polled_ns,omitempty"` // how often it is asked for its state; 0: messages are received
	Correlate *Correlation `json:"correlate,omitempty"` // nil: by the drill's nonce
}

// DecisionLog says where the target's own log of its failover is and which of its events mean what.
type DecisionLog struct {
	URL      string `json:"url"`
	Detected string `json:"detected"` // event that means: the failure is certain
	Declared string `json:"declared"` // failover declared
	Refused  string `json:"refused"`
	Promoted string `json:"promoted"`
	Switched string `json:"switched"`
	Done     string `json:"done"`

	Lagging  string `json:"lagging"`  // replication lags: somebody was told, or should have been
	Renewed  string `json:"renewed"`  // a certificate was renewed
	Deployed string `json:"deployed"` // another build was deployed

	ClockNS int64  `json:"clock_ns,omitempty"` // how far at most its clock is off the drill's, where that is not the same
	Clock   string `json:"clock,omitempty"`    // of whose readings its clock is, as TargetClock has it; "" if nobody says

	// Alerts says which event an alert of a class speaks of, where the two have different names.
	Alerts map[string]string `json:"alerts,omitempty"`
}

// EventOf is the event that an alert of a class speaks of: of one without a class, or of any, the failure itself.
func (l *DecisionLog) EventOf(class string) string {
	switch event, named := l.Alerts[class]; {
	case named:
		return event
	case class == "" || class == "*":
		return l.Detected
	}
	return class
}

// Ways in which a message is told to be of this drill.
const (
	ByNonce = "nonce" // it carries what nobody but a drill makes the target send: the drill's own nonce, or the key that the target has for drills
	ByDedup = "dedup" // its deduplication key has a form
	ByLabel = "label" // a label, or a field, has a value
	ByFirst = "first" // it is the first of its class after the fault, and there was none before
)

// Correlation says by what an alert is told to be of this drill. The tags are its format in a target file.
type Correlation struct {
	By      string `yaml:"by" json:"by" need:"yes" one:"nonce|dedup|label|first" doc:"what tells: the key that only drills use, the deduplication key, a label, or that it is the first of its class after the fault"`
	Pattern string `yaml:"pattern" json:"pattern,omitempty" doc:"of dedup: regular expression (RE2) that the whole key matches"`
	Label   string `yaml:"label" json:"label,omitempty" doc:"of label: name of a label, or of a field that an alert on the channel carries"`
	Value   string `yaml:"value" json:"value,omitempty" doc:"of label: what it must be"`
	Class   string `yaml:"class" json:"class,omitempty" doc:"of first: the class, where alerts on the channel carry one"`
}

// Correlation is the way in which messages on a channel are told to be of this drill.
func (d *Description) Correlation(channel string) Correlation {
	if c, ok := d.ChannelByName(channel); ok && c.Correlate != nil {
		return *c.Correlate
	}
	return Correlation{By: ByNonce}
}

// ChannelByName finds an alert path.
func (d *Description) ChannelByName(name string) (Channel, bool) {
	for _, c := range d.Channels {
		if c.Name == name {
			return c, true
		}
	}
	return Channel{}, false
}

// PollSeries says how well a channel was watched that is asked for its state.
type PollSeries struct {
	Channel string   `json:"channel"`
	EveryNS int64    `json:"every_ns"`
	Count   int      `json:"count"`      // polls that were answered
	Failed  int      `json:"failed"`     // polls that were not
	Ran     Interval `json:"ran"`        // from the begin of the first poll that was answered to the begin of the last
	Gap     Interval `json:"gap"`        // the longest time between the begins of two that were answered
	Error   string   `json:"last_error"` // of the last that failed
}

// PollGap is how long, in intervals of polling, nobody may have looked for it to be said that nothing was there.
const PollGap = 3

// Watches tells whether polls saw all of a time: from before its begin to after its end, without a gap.
func (p PollSeries) Watches(i Interval) bool {
	return p.Count > 1 && p.Ran.Lo <= i.Lo && p.Ran.Hi >= i.Hi && p.Gap.Hi.Sub(p.Gap.Lo) <= PollGap*time.Duration(p.EveryNS)
}
