package measure

import (
	"fmt"

	"blackstart/harness"
)

// ahead bounds by how much the clock that a stream was timed by is ahead of the drill's, in ns: by nothing where its clients ran on
// the machine of the drill, or on one of which it cannot be told, which fails the drill for itself.
func (d *dataset) ahead(s harness.Stream) Bounds {
	if d.hostFault(s) != "" {
		return Bounds{}
	}
	o := d.rec.Hosts[s.Host].Offset
	return Bounds{o.Lo, o.Hi}
}

// hostFault tells why the moments of a stream cannot be put on the drill's clock, or "".
func (d *dataset) hostFault(s harness.Stream) string {
	if s.Host < 0 || s.Host >= len(d.rec.Hosts) {
		return fmt.Sprintf("it is of host %d, which the record does not name", s.Host)
	}
	if err := d.rec.Hosts[s.Host].Offset.Check(); err != nil {
		return "its host's clock is " + err.Error()
	}
	return ""
}

// there gives bounds on the drill's clock as they are on one that is so far ahead: wider by what is not known of it.
func (b Bounds) there(ahead Bounds) Bounds { return Bounds{b.Lo + ahead.Lo, b.Hi + ahead.Hi} }

// back gives bounds on a clock that is so far ahead as they are on the drill's; what did not happen still did not.
func (b Bounds) back(ahead Bounds) Bounds {
	if b.Never() {
		return b
	}
	return Bounds{b.Lo - ahead.Hi, b.Hi - ahead.Lo}
}

// inner gives what is certainly within a span of the drill's clock, on one that is so far ahead.
func (b Bounds) inner(ahead Bounds) Bounds { return Bounds{b.Lo + ahead.Hi, b.Hi + ahead.Lo} }

// back gives the moments of an outage as they are on the drill's clock.
func (o Outage) back(ahead Bounds) Outage {
	o.Impact, o.First, o.Restored, o.Late = o.Impact.back(ahead), o.First.back(ahead), o.Restored.back(ahead), o.Late.back(ahead)
	return o
}
