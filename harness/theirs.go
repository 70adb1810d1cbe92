package harness

import "context"

// InPlace is what a driver offers whose databases nobody may start or stop: what was left behind is read where it stands.
type InPlace interface {
	// LeftBehind gives access to a database that no longer serves, once it has said itself that it takes no writes and still has
	// what it had: a copy of the one that serves now has lost it. Else the error says why not.
	LeftBehind(ctx context.Context, component, serving string) (Access, error)
}

// Allowing is what a driver offers on whose target nothing is written but what somebody has allowed, and no table is ever made.
type Allowing interface {
	// Allowed says why a table (schema.name) may not be written on a component; nil if it may. It asks nobody.
	Allowed(component, table string) error
	// Writable asks the component whether the table is there and may be written; nothing is written.
	Writable(ctx context.Context, component, table string) error
}
