package finrag

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/internal/shortage"
)

// Execute carries out one action. It checks every name before it touches anything.
func (d *Driver) Execute(ctx context.Context, a harness.Action) error {
	site, ground, err := d.Started("execute " + string(a.Kind))
	if err != nil {
		return err
	}
	if err = site.check(a); err == nil {
		err = site.carryOut(ctx, ground, a)
	}
	if err != nil {
		shortage.Note("an action on the target", err)
		return fmt.Errorf("execute %s: %w", a.Kind, err)
	}
	return nil
}

func (s *Site) carryOut(ctx context.Context, w Ground, a harness.Action) error {
	switch a.Kind {
	case harness.LinkCut:
		return w.Cut(ctx, a)
	case harness.LinkHeal:
		return w.Heal(ctx, a)
	case harness.ComponentKill:
		return w.Kill(ctx, s.inOrder(a.Components))
	case harness.ComponentStart:
		return s.startAgain(ctx, w, a.Components)
	case harness.ComponentFence:
		return s.Fence(ctx, w, a.Components)
	case harness.RunbookCall:
		return forEachComponent(ctx, w, []string{"outside.controller"}, func(string) error { return s.call(ctx) })
	case harness.SQLRun:
		return forEachComponent(ctx, w, a.Components, func(name string) error { return s.runSQL(ctx, w, name, a.SQL) })
	case harness.CertificateSwap:
		return forEachComponent(ctx, w, a.Components, func(name string) error { return s.swap(ctx, w, name, *a.Certificate) })
	case harness.CertificateRestore:
		return forEachComponent(ctx, w, a.Components, func(name string) error { return s.restore(ctx, w, name) })
	case harness.CodeDeploy:
		return forEachComponent(ctx, w, a.Components, func(name string) error { return s.deploy(ctx, w, name, a.Build) })
	}
	return errors.New("this target cannot carry it out")
}

// forEachComponent does something with each component. Of one with which it cannot be done because it is gone, that is the error.
func forEachComponent(ctx context.Context, w Ground, names []string, f func(string) error) error {
	var errs []error
	for _, name := range names {
		err := f(name)
		if err != nil {
			if gone, rest := harness.Gone(w.Gone(ctx, name)); len(gone) > 0 && len(rest) == 0 {
				err = gone[0]
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// check refuses an action that names what is not there, or nothing at all.
func (s *Site) check(a harness.Action) error {
	switch a.Kind {
	case harness.LinkCut, harness.LinkHeal:
		return s.checkLinks(a.Links)
	case harness.ComponentKill, harness.ComponentStart:
		return s.checkComponents(a.Components, "")
	case harness.ComponentFence:
		return s.checkComponents(a.Components, "postgres")
	case harness.RunbookCall:
		if a.Call != CallFailover {
			return fmt.Errorf("there is no call %q", a.Call)
		}
		return nil
	case harness.SQLRun:
		if strings.TrimSpace(a.SQL) == "" {
			return errors.New("it has no SQL")
		}
		return s.checkComponents(a.Components, "postgres")
	case harness.CertificateSwap:
		return errors.Join(checkCertificate(a.Certificate), s.checkComponents(a.Components, "api"))
	case harness.CertificateRestore:
		return s.checkComponents(a.Components, "api")
	case harness.CodeDeploy:
		return errors.Join(s.checkBuild(a.Build), s.checkComponents(a.Components, "api"))
	}
	return errors.New("this target cannot carry it out")
}

func (s *Site) checkLinks(names []string) error {
	if len(names) == 0 {
		return errors.New("it names no link")
	}
	var errs []error
	for _, name := range names {
		if _, ok := s.Described.LinkByName(name); !ok {
			errs = append(errs, fmt.Errorf("there is no link %q", name))
		}
	}
	return errors.Join(errs...)
}

// checkComponents wants components that are there and, unless kind is empty, of that kind.
func (s *Site) checkComponents(names []string, kind string) error {
	if len(names) == 0 {
		return errors.New("it names no component")
	}
	var errs []error
	for _, name := range names {
		c, ok := s.Described.ComponentByName(name)
		if !ok {
			errs = append(errs, fmt.Errorf("there is no component %q", name))
		} else if kind != "" && c.Kind != kind {
			errs = append(errs, fmt.Errorf("component %s is of kind %s, not %s", name, c.Kind, kind))
		}
	}
	return errors.Join(errs...)
}

// rank is the order of starting and of killing: what others need comes first.
func (s *Site) rank(component string) int {
	c, _ := s.Described.ComponentByName(component)
	if i := slices.Index([]string{"postgres", "redis", "api"}, c.Kind); i >= 0 {
		return i
	}
	return 3
}

func (s *Site) inOrder(components []string) []string {
	names := slices.Clone(components)
	slices.SortStableFunc(names, func(x, y string) int { return s.rank(x) - s.rank(y) })
	return names
}

// startAgain starts components that do not run, databases first. A fenced
// database stays down: starting it would make two primaries.
func (s *Site) startAgain(ctx context.Context, w Ground, components []string) error {
	var errs []error
	for _, name := range s.inOrder(components) {
		if s.Fenced[name] {
			s.Request.Progress(name + " stays down: it is to take no writes any more")
			continue
		}
		if runs, err := w.Runs(ctx, name); err != nil || runs {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, w.StartAgain(ctx, name))
	}
	return errors.Join(errs...)
}

// Fence stops databases and keeps them down.
func (s *Site) Fence(ctx context.Context, w Ground, components []string) error {
	for _, name := range components {
		s.Fenced[name] = true
	}
	return w.Fence(ctx, components)
}

// runSQL runs SQL on a database by the private path. One that was fenced is down for good: nothing is in force there.
func (s *Site) runSQL(ctx context.Context, w Ground, component, sql string) error {
	if s.Fenced[component] {
		s.Request.Progress(component + " is asked nothing: it is to take no writes any more")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	conn, err := w.Connect(ctx, component)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("run SQL on %s: %w", component, err)
	}
	return nil
}

// direct speaks to the target itself: no proxy of the environment is ever told the operator's token, and no redirect is
// followed with it.
var direct = &http.Client{
	Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// call tells the controller to fail over, as its operator would: over HTTP, with the operator's token.
func (s *Site) call(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Layout.Inside["outside.controller"]+"/failover", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.Secrets[CallToken])
	resp, err := direct.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		answer, _ := io.ReadAll(io.LimitReader(resp.Body, answerLimit)) // the status alone is enough of an error
		return fmt.Errorf("the controller answers %s: %s", resp.Status, answer)
	}
	return nil
}
