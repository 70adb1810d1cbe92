package probes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/miekg/dns"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: harness.ProbeAnswers,
	Doc: "Asks the public entry the target's questions whose answers are known, one after another, each as a new client " +
		"that resolves the name and verifies the certificate, and keeps each answer as it came. Where an objective asks for " +
		"the age of answers (staleAfter) after a fault, it also writes, on rehearsal and staging targets, one document of the " +
		"target's own data once a second, blackstart-marker in namespace public, each time with the next version, and asks " +
		"for it: an answer shows how old the data behind it is. Opened only for targets that have an entry and such questions.",
	Example: "{probe: answers.known}",
	New:     func() Factory { return answersFactory{} },
})

const (
	answersEvery   = 200 * time.Millisecond
	answersK       = 5
	maxAnswerBytes = 1 << 20 // of an answer's body
)

type answersFactory struct{}

// Every is the pace of questions.
func (answersFactory) Every() time.Duration { return answersEvery }

// Traits: it asks the entry as a whole.
func (answersFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Questions: true, Unit: unitBool}
}

// Open prepares questions and, where it is wanted and the target may be written to, the marker. The region of the config does
// not matter.
func (answersFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	if err := checked(config, false); err != nil {
		return nil, err
	}
	entry := config.Target.Entry
	if entry.Name == "" || entry.Resolver == "" || entry.Port <= 0 {
		return nil, fmt.Errorf("target %s has no entry point with a name, a resolver and a port", config.Target.Name)
	}
	if len(config.Target.Questions) == 0 {
		return nil, fmt.Errorf("target %s has no questions with known answers", config.Target.Name)
	}
	trust, err := entryTLS(entry)
	if err != nil {
		return nil, err
	}
	a := &answersProbe{clock: config.Clock, client: client{tls: trust, dial: entryDialer(entry)}, questions: config.Target.Questions}
	if !config.Marker {
		return a, nil
	}
	switch config.Target.Environment {
	case harness.Rehearsal, harness.Staging: // a class that is missing is not one of these
		return &markerProbe{answersProbe: a.with(markerQuestion)}, nil
	}
	a.note = fmt.Sprintf("no marker is written to a target of class %q", config.Target.Environment)
	return a, nil
}

// entryDialer resolves the entry's name and dials its first address, as a client without a memory does.
func entryDialer(entry harness.Entry) func(ctx context.Context) (net.Conn, error) {
	name, port := dns.Fqdn(entry.Name), strconv.Itoa(entry.Port)
	return func(ctx context.Context) (net.Conn, error) {
		answer, err := addresses(ctx, entry.Resolver, name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errResolve, err)
		}
		for _, record := range answer.Answer {
			if a, ok := record.(*dns.A); ok {
				return new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(a.A.String(), port))
			}
		}
		return nil, fmt.Errorf("%w: the answer is %s and has no address", errResolve, dns.RcodeToString[answer.Rcode])
	}
}

var errResolve = errors.New("resolve the entry's name")

// answersProbe asks the questions of a target in turn.
type answersProbe struct {
	clock     *harness.Clock
	client    client
	questions []harness.Question
	asked     int    // used by Ask alone
	note      string // what every observation is to tell besides
}

// with gives answers that asks one question more.
func (a *answersProbe) with(q harness.Question) *answersProbe {
	a.questions = append(a.questions[:len(a.questions):len(a.questions)], q)
	return a
}

// Ask asks the next question. OK is a well-formed answer, right or wrong.
func (a *answersProbe) Ask(ctx context.Context) harness.Observation {
	q := a.questions[a.asked%len(a.questions)]
	a.asked++
	o, status, body := a.post(ctx, "/query", map[string]any{"namespace": q.Namespace, "text": q.Text, "k": answersK})
	o.Answer = &harness.Answer{Question: q.ID, Namespace: q.Namespace, Text: q.Text, Right: q.Right}
	switch {
	case o.Detail != "":
	case status != http.StatusOK:
		o.Detail = refusal(status, body)
	default:
		o.OK, o.Value = true, 1
		if err := read(body, o.Answer); err != nil {
			o.OK, o.Value, o.Detail = false, 0, truncate("answer is not well-formed: "+err.Error())
		}
	}
	if a.note != "" {
		o.Detail = truncate(joined(o.Detail, a.note))
	}
	return o
}

// post sends one request through the entry as a new client. Without an answer the detail says why.
func (a *answersProbe) post(ctx context.Context, path string, body any) (o harness.Observation, status int, answer []byte) {
	o = harness.Observation{Probe: harness.ProbeAnswers, On: "entry", Unit: unitBool}
	sent, _ := json.Marshal(body) // strings and numbers always marshal
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	o.At.Lo = a.clock.Now()
	status, answer, err := a.client.send(ctx, http.MethodPost, path, sent, maxAnswerBytes)
	o.At.Hi = a.clock.Now()
	o.Reached = err == nil || gotResponse(err)
	if err != nil {
		o.Detail = reason(err)
		if errors.Is(err, errResolve) && !strings.Contains(o.Detail, errResolve.Error()) {
			o.Detail = truncate(joined(errResolve.Error(), o.Detail))
		}
	}
	return o, status, answer
}

// refusal tells a status, and the reason that came with it.
func refusal(status int, body []byte) string {
	var said struct{ Error string }
	_ = json.Unmarshal(body, &said) // a body of another kind says nothing
	return truncate(joined(fmt.Sprintf("HTTP %d", status), said.Error))
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

// Close does nothing: every question has its own connection.
func (a *answersProbe) Close() {}
