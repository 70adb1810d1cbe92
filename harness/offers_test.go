package harness

import (
	"context"
	"testing"
)

type plainDriver struct{ Driver }

type countingDriver struct{ Driver }

func (countingDriver) MissingComponents(context.Context) error { return nil }

type wrappingDriver struct{ Driver }

func (w wrappingDriver) Unwrap() Driver { return w.Driver }

// What a driver can do besides is found behind those that wrap it, and where nobody can it is not there.
func TestOffers(t *testing.T) {
	for name, c := range map[string]struct {
		d    Driver
		want bool
	}{
		"itself": {countingDriver{}, true}, "behind one": {wrappingDriver{countingDriver{}}, true}, "behind two": {wrappingDriver{wrappingDriver{countingDriver{}}}, true},
		"nobody": {plainDriver{}, false}, "nobody behind one": {wrappingDriver{plainDriver{}}, false}, "hidden by one that says nothing": {plainDriver{countingDriver{}}, false},
		"none": {wrappingDriver{nil}, false},
	} {
		if got, ok := Offers[Inventory](c.d); ok != c.want || (got != nil) != c.want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}
