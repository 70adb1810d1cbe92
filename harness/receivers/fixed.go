package receivers

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
)

// Fixed is an end whose address and key are not this drill's: those that the target's own alert configuration has.
type Fixed struct {
	Name    string         // of the channel, as an objective calls it
	Kind    string         // one of Channels
	Address string         // "address:port" that is listened on
	TLS     *tls.Config    // what is shown there; nil: none
	Key     string         // what each message carries that is for this end
	Label   string         // name of the label whose value is kept, "" for none
	With    map[string]any // parameters of the kind
}

// Wrong says why an end can be none: of its kind, its parameters or its key. It repeats no key.
func (f Fixed) Wrong() error {
	c, err := New(f.Kind, f.With)
	if err != nil {
		return err
	}
	if f.Key == "" {
		return fmt.Errorf("%s has no key", f.Name)
	}
	if c.BadKey != nil {
		if wrong := c.BadKey(f.Key); wrong != "" {
			return fmt.Errorf("the key of %s: %s", f.Name, wrong)
		}
	}
	return nil
}

// startFixed opens ends at their own addresses.
func startFixed(ctx context.Context, o Options) (*Receivers, error) {
	var keys []string
	for _, f := range o.Fixed {
		keys = append(keys, f.Key)
	}
	r := &Receivers{clock: o.Clock, secrets: fixedSecrets(keys...), onArrive: o.OnArrival}
	for _, f := range o.Fixed {
		if err := r.openFixed(ctx, f); err != nil {
			r.Close()
			return nil, fmt.Errorf("start receiver of %s on %s: %w", f.Name, f.Address, err)
		}
	}
	return r, nil
}

func (r *Receivers) openFixed(ctx context.Context, f Fixed) (err error) {
	if err := f.Wrong(); err != nil {
		return err
	}
	c, err := New(f.Kind, f.With)
	if err != nil {
		return err
	}
	e := &Endpoint{channel: c, name: f.Name, secret: f.Key, path: c.Path, label: f.Label, tls: f.TLS, all: r}
	server, outer := Server(webServer(e)), f.TLS
	if c.Serve != nil {
		server, outer = c.Serve(e), nil
	}
	if e.address, err = r.listen(ctx, f.Address, server, outer); err != nil {
		return err
	}
	r.ends = append(r.ends, e)
	return nil
}

// Bind finds out whether an end could be opened at an address: it listens there, and no more.
func Bind(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}
