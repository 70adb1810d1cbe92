// Package registry is the one way the module grows: each extension package owns
// one Registry variable, and each of its files adds one named Kind to it while
// the package is initialised.
//
// It keeps names, documentation and constructors, and nothing else. It never
// builds a value by itself, never looks at build tags or the environment, and
// never lets a second Kind take a name.
package registry

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	"blackstart/internal/strictyaml"
)

// Kind is one named thing that can be made: a fault, a probe, a workload.
type Kind[T any] struct {
	Name    string   // unique, as it stands in a scenario: "region.partition"
	Doc     string   // what it does, in a sentence or two
	Example string   // the shortest YAML that uses it
	New     func() T // makes a fresh value
}

// Parametrised is a thing that takes parameters: With gives a pointer to the struct that they are read into, whose tags are
// their format (see strictyaml).
type Parametrised interface{ With() any }

// Make makes a fresh value with these parameters, as strictyaml keeps them. What the kind does not take is an error.
func (k Kind[T]) Make(with map[string]any) (T, error) {
	v := k.New()
	p, ok := any(v).(Parametrised)
	switch {
	case ok:
		if err := strictyaml.Fill(k.Name, with, p.With()); err != nil {
			return v, err
		}
	case len(with) > 0:
		return v, fmt.Errorf("%s takes no parameters: remove `with:`", k.Name)
	}
	return v, nil
}

// Parameters gives, by kind, the zero value of the struct of its parameters, nil for a kind that takes none.
func (r *Registry[T]) Parameters() map[string]any {
	all := map[string]any{}
	for _, k := range r.All() {
		all[k.Name] = nil
		if p, ok := any(k.New()).(Parametrised); ok {
			all[k.Name] = reflect.ValueOf(p.With()).Elem().Interface()
		}
	}
	return all
}

// Registry holds the kinds of one extension package. Its zero value is empty
// and ready to use; all methods may be called at the same time.
type Registry[T any] struct {
	mu    sync.RWMutex
	kinds map[string]Kind[T]
}

// Add registers k and returns it, so that a file can say
//
//	var _ = Faults.Add(registry.Kind[Injector]{…})
//
// It panics when the name is empty or taken, or when New is nil: each is a
// mistake of the programmer that no user can mend.
func (r *Registry[T]) Add(k Kind[T]) Kind[T] {
	if k.Name == "" {
		panic("registry: add a kind without a name")
	}
	if k.New == nil {
		panic(fmt.Sprintf("registry: add %q without a constructor", k.Name))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.kinds[k.Name]; taken {
		panic(fmt.Sprintf("registry: add %q twice", k.Name))
	}
	if r.kinds == nil {
		r.kinds = make(map[string]Kind[T])
	}
	r.kinds[k.Name] = k
	return k
}

// Get returns the kind called name, and whether there is one.
func (r *Registry[T]) Get(name string) (Kind[T], bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	k, ok := r.kinds[name]
	return k, ok
}

// Names returns the names of all kinds, sorted.
func (r *Registry[T]) Names() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := make([]string, 0, len(r.kinds))
	for name := range r.kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// All returns all kinds, sorted by name.
func (r *Registry[T]) All() []Kind[T] {
	names := r.Names()
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Kind[T], len(names))
	for i, name := range names {
		all[i] = r.kinds[name]
	}
	return all
}
