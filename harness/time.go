package harness

import (
	"fmt"
	"time"
)

// Format names the shape of everything a pack holds. A reader refuses a major it does not know.
const Format = "blackstart.pack/2"

// Rules names the version of the measuring rules that this build judges by. A change that changes a number or a verdict of an
// existing pack is the next version, and the ones before it stay compiled in.
const Rules = "measure/1"

// stampLayout is RFC 3339 in UTC with exactly nine decimals.
const stampLayout = "2006-01-02T15:04:05.000000000Z"

// Stamp is a moment on the drill's clock: nanoseconds since the Unix epoch, read from one monotonic clock that was anchored
// once to UTC. The difference of two Stamps of one drill is therefore monotonic. The zero value means "never".
type Stamp int64

// Time gives the moment as a UTC time.
func (s Stamp) Time() time.Time { return time.Unix(0, int64(s)).UTC() }

// Add moves the moment by d.
func (s Stamp) Add(d time.Duration) Stamp { return s + Stamp(d) }

// Sub is the span from t to s.
func (s Stamp) Sub(t Stamp) time.Duration { return time.Duration(s - t) }

// String is RFC 3339 UTC with nine decimals, or "never".
func (s Stamp) String() string {
	if s == 0 {
		return "never"
	}
	return s.Time().Format(stampLayout)
}

// MarshalJSON writes the moment as an RFC 3339 string, or null for never.
func (s Stamp) MarshalJSON() ([]byte, error) {
	if s == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + s.String() + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON writes and nothing else.
func (s *Stamp) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*s = 0
		return nil
	}
	t, err := time.Parse(`"`+stampLayout+`"`, string(b))
	if err != nil {
		return fmt.Errorf("read time %s: want RFC 3339 UTC with nine decimals: %w", b, err)
	}
	*s = Stamp(t.UnixNano())
	return nil
}

// Interval says that something happened between Lo and Hi, both included. The zero value means "did not happen".
type Interval struct {
	Lo Stamp `json:"lo"`
	Hi Stamp `json:"hi"`
}

// Never tells whether the interval stands for something that did not happen.
func (i Interval) Never() bool { return i.Lo == 0 && i.Hi == 0 }

// Clock reads the drill's time. It is made once per drill and shared; it is safe for use by several goroutines.
type Clock struct {
	anchor time.Time // carries both readings: wall (for UTC) and monotonic (for differences)
	unix   int64
}

// NewClock anchors the monotonic clock to UTC, now.
func NewClock() *Clock {
	now := time.Now()
	return &Clock{anchor: now, unix: now.UnixNano()}
}

// Anchor is the moment at which the clock was anchored; binary files count nanoseconds from it.
func (c *Clock) Anchor() Stamp { return Stamp(c.unix) }

// Now is the current moment.
func (c *Clock) Now() Stamp { return Stamp(c.unix) + Stamp(time.Since(c.anchor)) }

// SinceAnchor is the current moment in nanoseconds since the anchor.
func (c *Clock) SinceAnchor() int64 { return int64(time.Since(c.anchor)) }

// ClockReading is what the kernel says of its own clock (adjtimex) at one moment.
type ClockReading struct {
	At           Stamp  `json:"at"`
	Phase        string `json:"phase"`         // the phase edge at which it was read
	Synchronised bool   `json:"synchronised"`  // the kernel holds the clock to be disciplined
	State        string `json:"state"`         // ok, insert, delete, oops, wait, error
	MaxErrorUS   int64  `json:"max_error_us"`  // the kernel's bound on the error, microseconds
	EstErrorUS   int64  `json:"est_error_us"`  // the kernel's estimate of the error, microseconds
	WallMinusNS  int64  `json:"wall_minus_ns"` // wall clock minus the drill's clock: a step or slew since the anchor
}
