package channels

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/target"
	"blackstart/internal/web"
)

// slackTime bounds one message to a webhook.
const slackTime = 10 * time.Second

// Announce tells people, one after the other, what the file says; about says of which drill. The first that is not certain to have been told
// is an error, and nobody is told after it.
func Announce(ctx context.Context, t *target.Target, all []target.Announce, about string, around Around) error {
	for _, a := range all {
		if !t.MayAnnounce(a.Name) {
			return fmt.Errorf("announce %s: it reaches people, and allows: does not list it", a.Name)
		}
		if err := notify(ctx, t, a, about, around); err != nil {
			return fmt.Errorf("announce %s: %w", a.Name, err)
		}
	}
	return nil
}

func notify(ctx context.Context, t *target.Target, a target.Announce, about string, around Around) error {
	if a.Slack != nil {
		return slack(ctx, t, a, about, around)
	}
	of, ok := t.CallByName(a.Call)
	if !ok {
		return fmt.Errorf("there is no call %s", a.Call)
	}
	kind, err := call.Make(of)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, of.Timeout.D())
	defer cancel()
	if said := kind.Call(ctx, around.call(), of.Reads); said.Outcome != call.Done {
		return fmt.Errorf("call %s is %s: %s", of.Name, said.Outcome, around.Redact(said.Why))
	}
	return nil
}

// slack posts a message to an incoming webhook, whose URL is the secret.
func slack(ctx context.Context, t *target.Target, a target.Announce, about string, around Around) error {
	ctx, cancel := context.WithTimeout(ctx, slackTime)
	defer cancel()
	u, err := webhook(ctx, t, a, around)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"text": a.Text + ": " + about})
	if err != nil {
		return err
	}
	headers := []target.Header{{Name: "Content-Type", Value: "application/json"}}
	got, err := around.Secrets.Ask(ctx, web.Question{Method: http.MethodPost, URL: u.String(), Body: string(body)}, a.TLS, headers)
	switch {
	case err != nil:
		return errors.New(around.Redact(err.Error()))
	case got.Status != http.StatusOK:
		return fmt.Errorf("the webhook answers with status %d, not 200", got.Status)
	}
	return nil
}

// webhook resolves the URL of a webhook. No error repeats it.
func webhook(ctx context.Context, t *target.Target, a target.Announce, around Around) (*url.URL, error) {
	s, err := around.Secrets(ctx, *a.Slack)
	if err != nil {
		return nil, fmt.Errorf("resolve its URL: %w", err)
	}
	u, wrong := target.WebAddress(s.Reveal())
	switch {
	case wrong != "":
		return nil, fmt.Errorf("the URL that is resolved %s", wrong)
	case t.Foreign(u.Hostname()):
		return nil, errors.New("the URL that is resolved is not shown to be on this machine, and this is a rehearsal")
	case u.Scheme != "https" && t.Metadata.Environment != harness.Rehearsal:
		return nil, errors.New("the URL that is resolved is not https, and it is a secret")
	}
	return u, nil
}

// TryAnnounce finds out whether people could be told, and tells nobody.
func TryAnnounce(ctx context.Context, t *target.Target, a target.Announce, around Around) (string, error) {
	if a.Slack != nil {
		u, err := webhook(ctx, t, a, around)
		if err != nil {
			return "", err
		}
		said, err := call.ReachURL(ctx, around.call(), u, a.TLS)
		return said + "; nobody was told", err
	}
	of, ok := t.CallByName(a.Call)
	if !ok {
		return "", fmt.Errorf("there is no call %s", a.Call)
	}
	kind, err := call.Make(of)
	if err != nil {
		return "", err
	}
	said, err := kind.Reach(ctx, around.call())
	return said + "; nobody was told", err
}
