package scratch

import (
	"net/http"

	"blackstart/harness"
	"blackstart/harness/receivers"
	"blackstart/internal/registry"
)

var _ = receivers.Channels.Add(registry.Kind[receivers.Channel]{
	Name:    "bell",
	Doc:     "A bell that is rung by a request with the drill's secret as its key.",
	Example: "{id: rung, measure: alert.received, channel: bell, atMost: 2m, source: BCP 4.2}",
	New: func() receivers.Channel {
		return receivers.Channel{Path: "/bell", Answer: ring, Carries: map[string][]string{"event": {"message"}, "summary": nil}}
	},
})

func ring(e *receivers.Endpoint, req *http.Request, body []byte) receivers.Answer {
	a := receivers.Answer{Arrival: harness.Arrival{Event: "message", Summary: string(body), Nonce: e.Ours(req.Header.Get("Key"))}}
	a.Status, a.Kind, a.Body = http.StatusNoContent, "text/plain", ""
	if !a.Arrival.Nonce {
		a.Status = http.StatusForbidden
	}
	return a
}
