package harness

import (
	"strings"
	"testing"

	"blackstart/loadgen"
)

func tabled() *Record {
	t := Description{Regions: []Region{{Name: "east", Role: Primary}, {Name: "west", Role: Standby}}}
	return &Record{Target: t, Places: PlacesOf(t), Hosts: []Host{{Name: LocalHost}, {Name: "load-2", Offset: Offset{-5, 7}}}, Outcomes: loadgen.CommonOutcomes(),
		Streams: []Stream{{ID: 1, Place: 2, Host: 1}, {ID: 2}}}
}

// Two zones of a region, two active regions and a witness are rows like any other.
func TestTablesThatLeaveNothingOpen(t *testing.T) {
	r := tabled()
	if err := r.CheckTables(); err != nil {
		t.Error(err)
	}
	r.Places = append(r.Places, Place{Name: "west-b", Region: "west", Role: Standby})
	r.Target.Regions = append(r.Target.Regions, Region{Name: "north", Role: Active}, Region{Name: "south", Role: Witness})
	r.Places = append([]Place{{Name: "north", Region: "north", Role: Active}, {Name: "south", Region: "south", Role: Witness}}, r.Places...)
	r.Streams[0].Place = 5
	if err := r.CheckTables(); err != nil {
		t.Error(err)
	}
	if p, ok := r.Place(5); !ok || p.Name != "west-b" {
		t.Errorf("%+v", p)
	}
	if at, ok := RolePlace(r.Places, Primary); !ok || r.Places[at].Name != "east" {
		t.Errorf("%d", at)
	}
}

func TestTablesThatLeaveSomethingOpen(t *testing.T) {
	for want, spoil := range map[string]func(r *Record){
		"another's":                                   func(r *Record) { r.Places[2].Name = "east" },
		"place 2 has the name \"\"":                   func(r *Record) { r.Places[2].Name = "" },
		"no place of its table is outside":            func(r *Record) { r.Places[0] = Place{"zone", "east", Primary} },
		"no place of its table is in region \"west\"": func(r *Record) { r.Places = r.Places[:2]; r.Streams = nil; r.Hosts = r.Hosts[:1] },
		"is in no region":                             func(r *Record) { r.Places[0].Region = "east" },
		"which is no region of the target":            func(r *Record) { r.Places[1].Role = Standby },
		"stream 1 stands at place 3":                  func(r *Record) { r.Streams[0].Place = 3 },
		"stream 1 stands at place -1":                 func(r *Record) { r.Streams[0].Place = -1 },
		"it names 257 places":                         func(r *Record) { r.Places = make([]Place, 257) },
		"ahead by at least 8 ns and at most 7 ns":     func(r *Record) { r.Hosts[1].Offset.Lo = 8 },
		"ahead of itself":                             func(r *Record) { r.Hosts[0].Offset.Hi = 1 },
		"further off than an hour":                    func(r *Record) { r.Hosts[1].Offset.Hi = 3_600_000_000_001 },
		"host 1 has the name \"local\"":               func(r *Record) { r.Hosts[1] = r.Hosts[0] },
		"stream 1 is of host 2":                       func(r *Record) { r.Streams[0].Host = 2 },
		"no stream is of host \"load-2\"":             func(r *Record) { r.Streams[0].Host = 0 },
		"it names 257 hosts":                          func(r *Record) { r.Hosts = make([]Host, 257) },
		"outcome 1 is ok":                             func(r *Record) { r.Outcomes = r.Outcomes[1:] },
	} {
		r := tabled()
		spoil(r)
		if err := r.CheckTables(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
