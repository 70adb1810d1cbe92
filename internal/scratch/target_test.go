package scratch

import (
	"net"
	"strings"
	"testing"
	"time"

	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/target/check"
)

// A call and a kind of component are validated, made with their parameters, and checked.
func TestACallAndAComponentAreOneFileEach(t *testing.T) {
	q := newQueue(t)
	q.depth.Store(9)
	_, port, err := net.SplitHostPort(q.address)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(`apiVersion: blackstart.target/v1
kind: Target
metadata: {name: queues, owner: Us, environment: rehearsal, service: Orders, plan: BCP 4.2}
regions: [{name: east, role: primary}]
components: [{name: east.queue, kind: queue, region: east, address: 127.0.0.1, port: PORT}]
calls:
  - {name: waiting, call: queue.peek, reads: true, timeout: 5s, fields: {depth: /depth}, with: {address: "127.0.0.1:PORT"}}
`, "PORT", port)
	reader := target.Reader{Components: component.Kinds.Parameters(), Calls: call.Calls.Parameters(), Traits: component.Traits()}
	got, err := reader.Parse("queues.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := check.Run(t.Context(), check.Request{Target: got, Secrets: &secret.Resolver{Hide: func(...string) {}},
		Redact: func(s string) string { return s }, Now: time.Now()})
	if err != nil || len(rows) != 2 || !strings.Contains(rows[0].Text, "9 messages wait") || rows[1].Effect.Fields["depth"] != "9" {
		t.Errorf("%+v, %v", rows, err)
	}
	if _, err := reader.Parse("queues.yaml", []byte(strings.Replace(text, "with: {address", "with: {addresse", 1))); err == nil ||
		!strings.Contains(err.Error(), `did you mean "address"?`) {
		t.Errorf("a parameter that it does not take: %v", err)
	}
	if !strings.Contains(string(reader.Schema()), `"calls.queue.peek"`) {
		t.Error("the schema does not know it")
	}
}
