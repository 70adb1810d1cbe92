package victim

import (
	"context"
	"errors"
	"fmt"

	"blackstart/harness"
	"blackstart/internal/shortage"
)

// asker answers one check: nil if it holds, otherwise why not. It calls asked once its question has left; one that does not
// is taken to have asked when it answered. What a question finds was so by the time it was asked: silence, in particular,
// is the fate of a packet that was sent at a moment, and is merely known later.
type asker func(ctx context.Context, asked func()) error

// scene is what is asked about, and by which means.
type scene struct {
	target *harness.Description
	driver Driver
	clock  *harness.Clock
}

// askerOf finds out how a check is asked.
func (s scene) askerOf(check harness.Check) (asker, error) {
	switch check.Kind {
	case harness.LinkSilent, harness.LinkAnswers:
		link, to, err := s.link(check.On)
		if err != nil {
			return nil, err
		}
		return linkAsker(s.target, link, to, check.Kind)
	case harness.ComponentRuns, harness.ComponentGone:
		if _, err := s.component(check.On); err != nil {
			return nil, err
		}
		return componentAsker(s.driver, check.On, check.Kind == harness.ComponentRuns), nil
	case harness.HeartbeatStalls, harness.HeartbeatFlows:
		return s.heartbeatAsker(check)
	case harness.ReceiverGone, harness.ReceiverStreams, harness.SlotInactive, harness.SlotActive, harness.ReplayPaused,
		harness.ReplayRuns, harness.LogsAgree:
		return s.replicationAsker(check)
	case harness.CertificateIs:
		return s.certificateAsker(check)
	case harness.BuildIs, harness.AnswerIs:
		return s.apiAsker(check)
	}
	return nil, errors.New("no such kind of check")
}

// link finds a link and what is at its other end.
func (s scene) link(name string) (harness.Link, harness.Component, error) {
	link, ok := s.target.LinkByName(name)
	if !ok {
		return harness.Link{}, harness.Component{}, fmt.Errorf("target %s has no such link", s.target.Name)
	}
	to, ok := s.target.ComponentByName(link.To)
	if !ok {
		return harness.Link{}, harness.Component{}, fmt.Errorf("link leads to component %q, which target %s does not have",
			link.To, s.target.Name)
	}
	return link, to, nil
}

func (s scene) component(name string) (harness.Component, error) {
	c, ok := s.target.ComponentByName(name)
	if !ok {
		return harness.Component{}, fmt.Errorf("target %s has no such component", s.target.Name)
	}
	return c, nil
}

func componentAsker(driver Driver, component string, want bool) asker {
	return func(ctx context.Context, _ func()) error {
		running, err := driver.Running(ctx, component)
		shortage.Note("a check", err)
		switch {
		case err != nil:
			return fmt.Errorf("private path does not tell: %w", err)
		case running && !want:
			return errors.New("its process still runs")
		case !running && want:
			return errors.New("no process of it runs")
		}
		return nil
	}
}
