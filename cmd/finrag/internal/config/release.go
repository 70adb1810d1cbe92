package config

import "fmt"

const maxReleaseName = 64

// Admin is what an operator, or a controller, may ask of a region. Without a token nobody may ask anything.
type Admin struct {
	TokenFile string `yaml:"tokenFile"`
}

// Releases is where the builds that a region may run lie: Dir/NAME/finrag. State keeps which one was deployed last.
type Releases struct {
	Dir   string `yaml:"dir"`
	State string `yaml:"state"`
}

func (r Releases) problems() []error {
	if (r.Dir == "") != (r.State == "") {
		return []error{fmt.Errorf("releases: names only one of dir and state; give both, or neither")}
	}
	return nil
}

// ReleaseName reports whether name can be a release: letters, digits, '.', '_' and '-', not beginning with a dot.
func ReleaseName(name string) bool {
	if name == "" || len(name) > maxReleaseName || name[0] == '.' {
		return false
	}
	for _, r := range name {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		if !letter && r != '.' && r != '_' && r != '-' {
			return false
		}
	}
	return true
}
