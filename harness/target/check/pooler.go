package check

import (
	"context"

	"blackstart/harness/component"
	"blackstart/harness/target"
)

// findPoolers finds out, one database after the other, whether something stands before it that a drill cannot be run through. Whoever
// does not answer says so in a row of its own.
func (c *checker) findPoolers(ctx context.Context) {
	c.between = map[string]error{}
	for _, p := range c.parts {
		db, ok := p.kind.(*component.Postgres)
		if !ok || c.known(p.Name, p.at.Pins()) != nil {
			continue
		}
		c.between[p.Name] = pooled(ctx, db, p)
	}
}

func pooled(ctx context.Context, db *component.Postgres, p part) error {
	ctx, cancel := context.WithTimeout(ctx, LookTime)
	defer cancel()
	mode, err := db.Pooler(ctx, p.at, cap(p.room) > 1)
	switch {
	case err != nil || mode == component.Direct:
		return nil
	case mode != component.SessionPooling:
		return mode.Usable(p.at.Address)
	}
	return db.TakesParams(ctx, p.at)
}

// onWindows tells whether the file says that a component's host runs Windows.
func (c *checker) onWindows(of target.Component) bool {
	for _, h := range c.Target.Hosts {
		if h.Name == of.Host {
			return h.OS == target.Windows
		}
	}
	return false
}
