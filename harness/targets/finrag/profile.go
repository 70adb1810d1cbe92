package finrag

import (
	"fmt"
	"time"

	"blackstart/internal/strictyaml"
)

// A Profile is one timing profile, in real time.
type Profile struct {
	Name     string
	Interval time.Duration // between the starts of two health checks
	Failures int           // in a row that count as a failure
	Timeout  time.Duration // of one health check
	TTL      time.Duration // of the public name
}

var profiles = []Profile{
	{"fast", time.Second, 3, time.Second, 2 * time.Second},
	{"standard", 30 * time.Second, 3, 5 * time.Second, 60 * time.Second},
}

// ProfileNames lists the timing profiles.
func ProfileNames() []string {
	var names []string
	for _, p := range profiles {
		names = append(names, p.Name)
	}
	return names
}

// ProfileOf finds a timing profile by its name; empty is fast, as befits a rehearsal.
func ProfileOf(name string) (Profile, error) {
	if name == "" {
		return profiles[0], nil
	}
	for _, p := range profiles {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("profile %q is not known: %s", name, strictyaml.Suggest(name, ProfileNames()))
}

// alertFloor is the part of an alert's latency that is configured: the checks
// that must fail, the last of them by running into its timeout.
func (p Profile) alertFloor() time.Duration {
	return time.Duration(p.Failures-1)*p.Interval + p.Timeout
}
