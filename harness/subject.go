package harness

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Names of the probes that measures are defined by, and that a record is therefore asked for by name. A probe that no
// measure is defined by stands in its own file only.
const (
	ProbeHeartbeat = "replication.heartbeat" // age of what the standby has
	ProbeWritable  = "postgres.writable"     // T_w: when the standby takes its first write
	ProbeDNS       = "dns.answer"            // where the public name leads
	ProbeAnswers   = "answers.known"         // answers to questions whose right answer is known
	ProbeHealth    = "http.health"           // whether a region's API is accepted by a strict client
)

// ProbeTraits say what a kind of probe can be asked of, what it needs, and by which way it gets its answers: all that the
// rest of the product knows of it.
type ProbeTraits struct {
	Speaks    string   // kind of component that it asks, such as postgres; "": it asks the public entry
	Roles     []string // of the regions whose component it asks, or that the entry is asked about; none: the entry as a whole
	Public    bool     // it comes to a component as clients do, by the link from outside, and verifies certificates; else by the private path
	Follows   bool     // it has an answer only as long as the standby follows the primary, and asks the primary's component too
	Leads     bool     // only what takes writes answers it well: a standby fails it until it is promoted
	Questions bool     // it needs questions whose answers are known
	Writes    string   // what it leaves behind, and where; "": nothing. One that writes is opened only where a scenario needs it
	Unit      string   // of an answer's value: ns, bytes, bool, count or ppm

	Listed  bool          // it is asked only where a scenario or a target file lists it: what it is asked of is written there
	Any     bool          // it may be asked of a component of any kind
	Entry   bool          // it may be asked of the public entry, too
	Local   bool          // it asks nothing of the target: it stands on the machine of the harness
	Clients bool          // it tells what clients get that are not the drill's own
	Fastest time.Duration // shortest time between two questions; 0: the time that it has where nobody says otherwise
}

// Subject is what one series of a probe speaks of.
type Subject struct {
	On     string // component; "entry"; or the region that the entry is asked about
	Role   string // of its region when the drill starts, or outside
	Region string // name of its region, "" for outside
}

// Subjects lists what a probe can be asked of on a target, in the order of its roles. The error names everything that it
// cannot be asked of there, and why; it is never asked of something else instead.
func (t ProbeTraits) Subjects(d *Description) (all []Subject, why error) {
	switch {
	case t.Questions && len(d.Questions) == 0:
		return nil, fmt.Errorf("target %s has no questions whose answers are known", d.Name)
	case t.Listed:
		return nil, errors.New("it is asked where a scenario or a target file lists it")
	case t.Speaks == "" && d.Entry.Name == "":
		return nil, fmt.Errorf("target %s has no public entry", d.Name)
	case len(t.Roles) == 0:
		return []Subject{{On: EntryName, Role: Outside}}, nil
	}
	for _, role := range t.Roles {
		s, err := t.subject(d, role)
		if err != nil {
			why = errors.Join(why, err)
			continue
		}
		all = append(all, s)
	}
	return all, why
}

// subject finds what a probe is asked of in the region with a role.
func (t ProbeTraits) subject(d *Description, role string) (Subject, error) {
	region, ok := d.RegionByRole(role)
	if !ok {
		return Subject{}, fmt.Errorf("target %s has no %s region", d.Name, role)
	}
	if t.Speaks == "" {
		return Subject{On: region.Name, Role: role, Region: region.Name}, nil
	}
	c, ok := d.ComponentOf(region.Name, t.Speaks)
	if !ok {
		return Subject{}, fmt.Errorf("region %s has no component of kind %s", region.Name, t.Speaks)
	}
	if _, ok := d.linkTo(c.Name); t.Public && !ok {
		return Subject{}, fmt.Errorf("no link leads from outside to %s", c.Name)
	}
	if _, ok := d.ComponentByRole(Primary, t.Speaks); t.Follows && !ok {
		return Subject{}, fmt.Errorf("the primary region has no component of kind %s that %s could follow", t.Speaks, c.Name)
	}
	return Subject{On: c.Name, Role: role, Region: region.Name}, nil
}

// SubjectOf finds what a probe is asked of that is listed: on is the role of a region, the name of a component, entry, or "" where
// its kind asks nobody else. The error says why it cannot be asked of that.
func (t ProbeTraits) SubjectOf(d *Description, on string) (Subject, error) {
	c, named := d.ComponentByName(on)
	region, role := d.RegionByRole(on)
	switch {
	case t.Local && on == "":
		return Subject{On: LocalHost, Role: Outside}, nil
	case t.Local:
		return Subject{}, errors.New("it runs on the machine of the harness, and asks no component")
	case t.Entry && (on == EntryName || on == "" && t.Listed):
		if d.Entry.Name == "" && d.Entry.URL == "" {
			return Subject{}, fmt.Errorf("target %s has no public entry", d.Name)
		}
		return Subject{On: EntryName, Role: Outside}, nil
	case !t.Listed:
		return t.subjectOfOwn(d, on)
	case on == "":
		return Subject{}, errors.New("it asks one component, and `on:` names none")
	case named && !t.Any && c.Kind != t.Speaks:
		return Subject{}, fmt.Errorf("it asks a component of kind %s, and %s is of kind %s", t.Speaks, on, c.Kind)
	case named:
		return subjectIn(d, c), nil
	case role && t.Any:
		return Subject{}, errors.New("it asks a component of any kind, and a role does not say which")
	case role:
		c, named = d.ComponentOf(region.Name, t.Speaks)
		if !named {
			return Subject{}, fmt.Errorf("region %s has no component of kind %s", region.Name, t.Speaks)
		}
		return subjectIn(d, c), nil
	}
	return Subject{}, fmt.Errorf("target %s has neither a region with the role %q nor a component of that name", d.Name, on)
}

// subjectIn is a component as a subject.
func subjectIn(d *Description, c Component) Subject {
	s := Subject{On: c.Name, Role: Outside}
	for _, r := range d.Regions {
		if r.Name == c.Region {
			s.Role, s.Region = r.Role, r.Name
		}
	}
	return s
}

// subjectOfOwn finds, among the subjects that a probe has without being listed, the one that it is listed for.
func (t ProbeTraits) subjectOfOwn(d *Description, on string) (Subject, error) {
	all, why := t.Subjects(d)
	for _, s := range all {
		if on == s.On || on == s.Role || on == "" && len(all) == 1 {
			return s, nil
		}
	}
	if why == nil {
		why = fmt.Errorf("it is not asked of %q", on)
	}
	return Subject{}, why
}

// Paced is how often a probe is asked on a target: no oftener than wanted, and where it stands in production no oftener than its
// file allows. why says, where it is asked less often than wanted, what follows from that.
func (d *Description) Paced(kind string, wanted time.Duration) (every time.Duration, why string) {
	least, written := time.Duration(d.ProbePaces[kind]), true
	if least == 0 && d.Environment == Production {
		least, written = ProductionPace, false
	}
	if wanted >= least {
		return wanted, ""
	}
	why = fmt.Sprintf("is asked every %s, not every %s: the target's file allows no more", least, wanted)
	if !written {
		why = fmt.Sprintf("is asked every %s, not every %s: the target is in production, and limits.probes of its file lists no other pace", least, wanted)
	}
	return least, why + fmt.Sprintf("; what is timed by it is known to within %s", least)
}

// ProductionPace is the shortest time between two questions of a probe in production, where the file of the target lists no other.
const ProductionPace = time.Second

// linkTo finds the link by which clients outside reach a component.
func (d *Description) linkTo(component string) (Link, bool) {
	i := slices.IndexFunc(d.Links, func(l Link) bool { return l.From == Outside && l.To == component })
	if i < 0 {
		return Link{}, false
	}
	return d.Links[i], true
}

// silencedByPeople tells whether what people do silences a probe: by what is to show that they have done it. A target that they
// did not write has no private path: a link that is silent to clients is silent to every probe.
func (p *Plan) silencedByPeople(t ProbeTraits, of Subject, d *Description, link Link, source Component) bool {
	if p.Isolates && d.regionName(p.Fault.On) == of.Region {
		return true
	}
	for _, c := range p.InForce {
		to := c.On
		if l, ok := d.LinkByName(c.On); ok {
			to = l.To
		}
		on := to == of.On || t.Follows && to == source.Name
		if (c.Kind == LinkSilent || c.Kind == LinkUnanswered) && (on || c.On == link.Name) || c.Kind == ComponentGone && on {
			return true
		}
	}
	return false
}

// regionName is the name of the region with a role, "" if there is none.
func (d *Description) regionName(role string) string {
	r, _ := d.RegionByRole(role)
	return r.Name
}

// Silences tells whether a probe gets no good answer any more about a subject while a plan is in force: by what the plan does
// to what the probe asks and to its way there. Behind a fault whose undo fences, the target may have promoted the standby,
// which then follows nobody: promotes tells whether it does so by itself.
func (p *Plan) Silences(t ProbeTraits, of Subject, d *Description, promotes bool) bool {
	source, _ := d.ComponentByRole(Primary, t.Speaks)
	for _, s := range p.Steps {
		link, _ := d.linkTo(of.On)
		on := slices.Contains(s.Do.Components, of.On)
		switch s.Do.Kind {
		case ComponentKill, ComponentStop, ComponentPause:
			if on || t.Follows && slices.Contains(s.Do.Components, source.Name) {
				return true
			}
		case LinkCut:
			if t.Public && slices.Contains(s.Do.Links, link.Name) {
				return true
			}
		case PersonAct:
			if p.silencedByPeople(t, of, d, link, source) {
				return true
			}
		case CertificateSwap:
			if t.Public && on && s.Do.Certificate != nil && s.Do.Certificate.Wrong != CertificateExpiring {
				return true
			}
		}
	}
	return t.Follows && promotes && len(p.Fences) > 0
}
