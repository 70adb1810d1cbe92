package victim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
	"blackstart/internal/shortage"
)

var _ = Checks.Add(registry.Kind[Kind]{
	Name: string(harness.LinkUnanswered),
	Doc: "Holds when nothing at the other end answers through the link, in whatever way: a dial is refused or silent, or a greeting is cut off or silent. " +
		"It is what a client sees of a process that is gone, whose port refuses, or frozen, whose kernel still accepts.",
	Example: "link.unanswered on outside→east.api",
	New:     func() Kind { return Kind{Scope: ScopeLink, Plan: linkUnanswered} },
})

// linkUnanswered finds out what would make the other end speak. When nobody answered is known only when it is certain that nobody will: a
// process may be frozen between a question and its answer.
func linkUnanswered(v Victim, check harness.Check) (Ask, error) {
	link, to, err := v.Link(check.On)
	if err != nil {
		return nil, err
	}
	switch link.Protocol {
	case "tcp":
		greet, err := v.greetingOf(to)
		return func(ctx context.Context, _ func()) error {
			began := time.Now()
			what, err := exchange(ctx, link.Address, greet)
			return judgeUnanswered(what, err, began)
		}, err
	case "udp":
		name, err := v.datagram(to)
		return func(ctx context.Context, _ func()) error {
			began := time.Now()
			return judgeUnanswered("question", askDatagram(ctx, link.Address, name, answerTimeout, func() {}), began)
		}, err
	}
	return nil, unknownProtocol(link)
}

// judgeUnanswered judges the error of a question that was to be answered by nobody. What failed here shows nothing of the other end.
func judgeUnanswered(what string, err error, began time.Time) error {
	shortage.Note("a check", err)
	switch {
	case err == nil:
		return found("it answers")
	case timedOut(err) && time.Since(began) < silence:
		return fmt.Errorf("the time was over before %v of silence had passed", silence)
	case timedOut(err), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return nil
	}
	return fmt.Errorf("could not be asked: its %s fails: %w", what, err)
}
