package harness

import "testing"

// An alert is of the event that its class names, of the one that the log gives for it, or else of the failure itself.
func TestAnAlertSpeaksOfOneEvent(t *testing.T) {
	log := &DecisionLog{Detected: "failure.detected", Alerts: map[string]string{"primary.gone": "failure.detected", "build.old": "parity.lost"}}
	for class, want := range map[string]string{"": "failure.detected", "*": "failure.detected", "primary.gone": "failure.detected", "build.old": "parity.lost",
		"replica.late": "replica.late"} {
		if got := log.EventOf(class); got != want {
			t.Errorf("class %q is of %q, want %q", class, got, want)
		}
	}
}

func TestWhatAnEntryTells(t *testing.T) {
	for event, want := range map[string]struct{ notifies, sent, skips bool }{
		"notify.sent": {true, true, false}, "notify.muted": {true, false, false}, "preflight.skipped": {false, false, true}, "failover.done": {},
	} {
		d := Decision{Event: event, Detail: map[string]string{"channel": "pager", "reason": "so", "region": "west"}}
		channel, sent, notifies := d.Notifies()
		if notifies != want.notifies || sent != want.sent || d.Skips() != want.skips || channel != "pager" || d.Reason() != "so" || d.Region() != "west" {
			t.Errorf("%s: on %q, notifies %t, sent %t, skips %t", event, channel, notifies, sent, d.Skips())
		}
	}
}

// A fault that lets data age says so by what is to follow from it, whatever its name is.
func TestAFaultThatLetsDataAge(t *testing.T) {
	for _, tc := range []struct {
		plan Plan
		want bool
	}{
		{Plan{Follows: []Check{{Kind: ReceiverGone}, {Kind: HeartbeatStalls}}}, true}, {Plan{InForce: []Check{{Kind: HeartbeatStalls}}}, true},
		{Plan{Follows: []Check{{Kind: ReceiverGone}}, Restored: []Check{{Kind: HeartbeatStalls}}}, false}, {Plan{}, false},
	} {
		if got := tc.plan.Ages(); got != tc.want {
			t.Errorf("%+v: %t", tc.plan, got)
		}
	}
}
