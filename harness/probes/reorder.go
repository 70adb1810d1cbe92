package probes

import (
	"cmp"
	"slices"
	"sync"

	"blackstart/harness"
)

// reorderer gives observations to sink in the order in which they began, although several are made at the same time and one
// that began early may end late: what began after it is held until then.
type reorderer struct {
	clock *harness.Clock

	mu   sync.Mutex // guards what follows, and that sink has one call at a time
	sink func(harness.Observation)
	open []*harness.Stamp      // when each of those under way began, or a moment before, oldest first
	held []harness.Observation // ended, but younger than one that is under way
}

// observe does what makes an observation, and keeps that.
func (s *reorderer) observe(do func() harness.Observation) harness.Observation {
	from := s.begin()
	o := do()
	s.end(from, o)
	return o
}

func (s *reorderer) begin() *harness.Stamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.clock.Now()
	s.open = append(s.open, &from)
	return &from
}

func (s *reorderer) end(from *harness.Stamp, o harness.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = slices.DeleteFunc(s.open, func(other *harness.Stamp) bool { return other == from })
	// Behind all that began at the same moment or before.
	at, _ := slices.BinarySearchFunc(s.held, o.At.Lo+1, func(h harness.Observation, t harness.Stamp) int { return cmp.Compare(h.At.Lo, t) })
	s.held = slices.Insert(s.held, at, o)
	ready := 0
	for ready < len(s.held) && (len(s.open) == 0 || s.held[ready].At.Lo <= *s.open[0]) {
		s.sink(s.held[ready])
		ready++
	}
	s.held = slices.Delete(s.held, 0, ready)
}
