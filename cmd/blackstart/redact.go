package main

import (
	"errors"

	"blackstart/evidence"
	"blackstart/harness"
)

// redacted is an error that does not tell secrets: whatever prints it, a CI system may keep what is printed.
type redacted struct {
	err    error
	redact *evidence.Redactor
}

func (r redacted) Error() string { return r.redact.Text(r.err.Error()) }
func (r redacted) Unwrap() error { return r.err }

// redactError takes the drill's secrets out of what an error tells.
func (d *drillRun) redactError(err error) error {
	var exit *exitError
	if errors.As(err, &exit) {
		exit.err = redacted{exit.err, d.redact}
	}
	return err
}

// show is the drill's Watch: how it goes, without its secrets.
func (d *drillRun) show(p harness.Progress) {
	if p.Event != nil {
		e := *p.Event
		e.Text = d.redact.Text(e.Text)
		p.Event = &e
	}
	d.screen.show(p)
}
