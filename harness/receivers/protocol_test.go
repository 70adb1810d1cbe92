package receivers

import "testing"

// What a status is of is said by the channel; of one that this build does not have, HTTP is.
func TestProtocolOfAnAnswer(t *testing.T) {
	for channel, want := range map[string]string{SMTP: "SMTP", Slack: "HTTP", "carrier-pigeon": "HTTP"} {
		if got := Protocol(channel); got != want {
			t.Errorf("%s speaks %s, want %s", channel, got, want)
		}
	}
}
