// Package channels opens what a target file says of alerts, decisions and announcements: ends of ours at fixed addresses, polled channels,
// the target's own log, messages to people.
//
// It sends nothing but what announce: and standDown: say and allows: lists, and asks nothing but what the file names.
package channels

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/pollers"
	"blackstart/harness/receivers"
	"blackstart/harness/secret"
	"blackstart/harness/target"
)

// Around is what the channels of a target are reached with.
type Around struct {
	Secrets  component.Secrets
	Database func(ctx context.Context, component string) (*pgx.Conn, error) // for calls; nil: no statement can be run
	Pins     func(address string) ([]string, error)                         // as call.Around has it
	Host     func(name string) (*host.Host, error)                          // as call.Around has it
	Redis    func(ctx context.Context, name string) (harness.Access, error) // as call.Around has it
	Redact   func(text string) string                                       // takes secrets out of what was said; must not be nil
}

func (a Around) call() call.Around {
	c := call.Around{Secrets: a.Secrets, Database: a.Database, Pins: a.Pins, Host: a.Host, Redis: a.Redis}
	if c.Database == nil {
		c.Database = func(context.Context, string) (*pgx.Conn, error) {
			return nil, errors.New("not available: a statement cannot be run for this")
		}
	}
	return c
}

// Traits are what the reader of target files must know of every kind of channel, received or polled.
func Traits() map[string]target.AlertTraits {
	all := pollers.Traits()
	for _, k := range receivers.Channels.All() {
		c := k.New()
		all[k.Name] = target.AlertTraits{Carries: c.Carries, Labels: c.Labels}
	}
	return all
}

// Parameters are those of every kind of channel.
func Parameters() map[string]any {
	all := receivers.Parameters()
	for kind, zero := range pollers.Kinds.Parameters() {
		all[kind] = zero
	}
	return all
}

// Describe gives the alert paths and the log of decisions as the description of a target has them.
func Describe(t *target.Target) ([]harness.Channel, *harness.DecisionLog) {
	var all []harness.Channel
	for _, a := range t.Alerts {
		how := a.Correlate
		c := harness.Channel{Name: a.Name, Kind: a.Channel, Correlate: &how}
		if polled(a) {
			c.PolledNS = a.Pace().Nanoseconds()
		}
		all = append(all, c)
	}
	return all, describeLog(t)
}

func polled(a target.Alert) bool {
	_, ok := pollers.Kinds.Get(a.Channel)
	return ok
}

// Fixed gives the ends that the target sends its alerts to. It is never nil: a target without any has none.
func Fixed(ctx context.Context, t *target.Target, around Around) ([]receivers.Fixed, error) {
	all := []receivers.Fixed{}
	for _, a := range t.Alerts {
		if polled(a) {
			continue
		}
		f, err := fixed(ctx, a, around)
		if err != nil {
			return nil, fmt.Errorf("open alert %s: %w", a.Name, err)
		}
		all = append(all, f)
	}
	return all, nil
}

func fixed(ctx context.Context, a target.Alert, around Around) (receivers.Fixed, error) {
	f := receivers.Fixed{Name: a.Name, Kind: a.Channel, Address: a.Listen, Label: a.Correlate.Label, With: a.With}
	if a.Key == nil {
		return f, errors.New("it has no key")
	}
	key, err := around.Secrets(ctx, *a.Key)
	if err != nil {
		return f, fmt.Errorf("resolve its key: %w", err)
	}
	f.Key = key.Reveal()
	if a.TLS != nil {
		if f.TLS, err = shown(ctx, *a.TLS, around); err != nil {
			return f, err
		}
	}
	return f, f.Wrong()
}

// shown is what an end of ours shows.
func shown(ctx context.Context, t target.ServerTLS, around Around) (*tls.Config, error) {
	if t.Key == nil {
		return nil, errors.New("its certificate has no key")
	}
	key, err := around.Secrets(ctx, *t.Key)
	if err != nil {
		return nil, fmt.Errorf("resolve the key of its certificate: %w", err)
	}
	c, err := target.TLS{Certificate: t.Certificate}.Config("", key)
	if err != nil {
		return nil, err
	}
	c.ServerName = ""
	return c, nil
}

// Polled gives the channels whose state is asked for.
func Polled(t *target.Target, around Around) ([]pollers.Channel, error) {
	var all []pollers.Channel
	for _, a := range t.Alerts {
		k, ok := pollers.Kinds.Get(a.Channel)
		if !ok {
			continue
		}
		p, err := k.Make(a.With)
		if err != nil {
			return nil, fmt.Errorf("open alert %s: %w", a.Name, err)
		}
		all = append(all, pollers.Channel{Name: a.Name, Every: a.Pace(), Poller: p,
			Around: pollers.Around{Secrets: around.Secrets, Pins: around.Pins, Label: a.Correlate.Label}})
	}
	return all, nil
}

// Parametrised is what an alert holds beside its kind, for those who look for secrets in it.
func Parametrised(a target.Alert) any {
	type written struct {
		Key  *secret.Reference `yaml:"key"`
		TLS  *target.ServerTLS `yaml:"tls"`
		With any               `yaml:"with"`
	}
	w := written{Key: a.Key, TLS: a.TLS}
	if k, ok := pollers.Kinds.Get(a.Channel); ok {
		if p, err := k.Make(a.With); err == nil {
			if of, ok := p.(interface{ With() any }); ok {
				w.With = of.With()
			}
		}
	}
	return w
}

// Try finds out whether an alert could be seen: it listens at the address and no more, or asks once.
func Try(ctx context.Context, a target.Alert, around Around) (string, error) {
	if k, ok := pollers.Kinds.Get(a.Channel); ok {
		p, err := k.Make(a.With)
		if err != nil {
			return "", err
		}
		said, err := pollers.Answered(ctx, p, pollers.Around{Secrets: around.Secrets, Pins: around.Pins})
		return said + "; a state that is seen, never a message that is received", err
	}
	f, err := fixed(ctx, a, around)
	if err != nil {
		return "", err
	}
	if err := receivers.Bind(ctx, f.Address); err != nil {
		return "", fmt.Errorf("listen on %s: %w", f.Address, err)
	}
	text := f.Address + " can be listened on"
	if f.TLS != nil {
		text += ", with a certificate that has its key"
	}
	return text + "; whether the target sends there is not known before it does", nil
}
