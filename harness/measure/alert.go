package measure

import "blackstart/harness"

// Events of an Arrival that tell somebody of trouble.
const (
	eventTrigger = "trigger"
	eventMessage = "message"
)

// FirstAlert finds the first message that told somebody on channel of this drill's trouble: accepted by our receiver,
// carrying the nonce, in [from, end].
func FirstAlert(arrivals []harness.Arrival, channel string, from, end harness.Stamp) (harness.Arrival, bool) {
	var first harness.Arrival
	for _, a := range arrivals {
		if a.Channel != channel || !a.Nonce || !a.Accepted || a.At < from || a.At > end || a.At == 0 {
			continue
		}
		if a.Event != eventTrigger && a.Event != eventMessage {
			continue
		}
		if first.At == 0 || a.At < first.At {
			first = a
		}
	}
	return first, first.At != 0
}

// early counts the messages that carried the nonce in the baseline window, before anything was broken.
func early(arrivals []harness.Arrival, baseline harness.Interval, fault harness.Stamp) int {
	n := 0
	for _, a := range arrivals {
		if a.Nonce && a.At >= baseline.Lo && (a.At <= baseline.Hi || a.At < fault) {
			n++
		}
	}
	return n
}
