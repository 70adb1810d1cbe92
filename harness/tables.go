package harness

import (
	"errors"
	"fmt"
	"slices"

	"blackstart/loadgen"
)

// Place is where clients stand: outside the target, or in one of its regions. Streams and attempts name one by its index in the
// Record's table; no index has a meaning of its own.
type Place struct {
	Name   string `json:"name"`
	Region string `json:"region"` // name of the region, "" outside
	Role   string `json:"role"`   // outside, or that of the region when the drill starts
}

// PlacesOf is the table of places of a target: outside, then each of its regions.
func PlacesOf(t Description) []Place {
	all := []Place{{Name: Outside, Role: Outside}}
	for _, r := range t.Regions {
		all = append(all, Place{r.Name, r.Name, r.Role})
	}
	return all
}

// RolePlace finds the index of the first place of a role.
func RolePlace(places []Place, role string) (int, bool) {
	i := slices.IndexFunc(places, func(p Place) bool { return p.Role == role })
	return i, i >= 0
}

// Place gives the place of that index; false for one that the record does not name.
func (r *Record) Place(index int) (Place, bool) {
	if index < 0 || index >= len(r.Places) {
		return Place{}, false
	}
	return r.Places[index], true
}

// Host is a machine on which clients of a load run. Streams name one by its index in the Record's table.
type Host struct {
	Name   string `json:"name"`         // local, or what tells it from others: its name or a digest
	Offset Offset `json:"clock_offset"` // of its clock: the moments in its streams minus those of the drill's clock
}

// Offset bounds how far a clock is ahead of another, in ns.
type Offset struct {
	Lo int64 `json:"lo_ns"`
	Hi int64 `json:"hi_ns"`
}

// LocalHost is the machine of the drill itself: its clients read the drill's own clock.
const LocalHost = "local"

// maxTable bounds the tables of places and hosts, which a byte is the index into, and maxTableName a name in them.
const maxTable, maxTableName = 256, 256

// CheckTables tells what is wrong with the tables of places, hosts and outcomes, with a reading of a clock, or with an index into them.
func (r *Record) CheckTables() error {
	return errors.Join(r.checkPlaces(), r.checkHosts(), r.checkTargetClocks(), loadgen.CheckOutcomes(r.Outcomes))
}

func (r *Record) checkPlaces() error {
	if len(r.Places) > maxTable {
		return fmt.Errorf("it names %d places, at most %d are possible", len(r.Places), maxTable)
	}
	names, regions := map[string]bool{}, map[string]bool{}
	for i, p := range r.Places {
		of := slices.IndexFunc(r.Target.Regions, func(t Region) bool { return t.Name == p.Region })
		switch {
		case p.Name == "" || len(p.Name) > maxTableName || names[p.Name]:
			return fmt.Errorf("place %d has the name %.40q, which is empty, too long or another's", i, p.Name)
		case (p.Name == Outside) != (p.Role == Outside) || (p.Role == Outside) != (p.Region == ""):
			return fmt.Errorf("place %d is %.40q, in region %.40q, as %.40q: the one that is outside is in no region", i, p.Name, p.Region, p.Role)
		case p.Region != "" && (of < 0 || r.Target.Regions[of].Role != p.Role):
			return fmt.Errorf("place %.40q is in region %.40q as %.40q, which is no region of the target", p.Name, p.Region, p.Role)
		}
		names[p.Name], regions[p.Region] = true, true
	}
	if !names[Outside] {
		return errors.New("no place of its table is outside")
	}
	for _, t := range r.Target.Regions {
		if !regions[t.Name] {
			return fmt.Errorf("no place of its table is in region %.40q", t.Name)
		}
	}
	for _, s := range r.Streams {
		if _, ok := r.Place(s.Place); !ok {
			return fmt.Errorf("stream %d stands at place %d, its table names %d", s.ID, s.Place, len(r.Places))
		}
	}
	return nil
}

func (r *Record) checkHosts() error {
	if len(r.Hosts) > maxTable {
		return fmt.Errorf("it names %d hosts, at most %d are possible", len(r.Hosts), maxTable)
	}
	names := map[string]bool{}
	for i, h := range r.Hosts {
		switch {
		case h.Name == "" || len(h.Name) > maxTableName || names[h.Name]:
			return fmt.Errorf("host %d has the name %.40q, which is empty, too long or another's", i, h.Name)
		case h.Offset.Check() != nil:
			return fmt.Errorf("the clock of host %.40q is %w", h.Name, h.Offset.Check())
		case h.Name == LocalHost && h.Offset != Offset{}:
			return fmt.Errorf("the clock of host %s is %d to %d ns ahead of itself", LocalHost, h.Offset.Lo, h.Offset.Hi)
		}
		names[h.Name] = true
	}
	used := map[int]bool{}
	for _, s := range r.Streams {
		if s.Host < 0 || s.Host >= len(r.Hosts) {
			return fmt.Errorf("stream %d is of host %d, its table names %d", s.ID, s.Host, len(r.Hosts))
		}
		used[s.Host] = true
	}
	for i, h := range r.Hosts {
		if !used[i] && h.Name != LocalHost {
			return fmt.Errorf("no stream is of host %.40q", h.Name)
		}
	}
	return nil
}

// maxOffset is an hour: no load is timed by a clock that is further off.
const maxOffset = int64(3600 * 1e9)

// Check tells what is wrong with the bounds.
func (o Offset) Check() error {
	switch {
	case o.Lo > o.Hi:
		return fmt.Errorf("ahead by at least %d ns and at most %d ns", o.Lo, o.Hi)
	case o.Lo < -maxOffset || o.Hi > maxOffset:
		return errors.New("further off than an hour")
	}
	return nil
}
