package register_test

import (
	"testing"

	"blackstart/evidence/register"
	"blackstart/evidence/register/conformance"
)

func TestDirConforms(t *testing.T) {
	conformance.Stores(t, func(t *testing.T) register.Store {
		d, err := register.MakeDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}
