package finrag

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// Limits of the settings.
const (
	maxWALLatency = 10 * time.Second
	maxDocuments  = 100_000 // as many as finrag seeds
)

// Settings are the ordinary configuration that a scenario may ask for under
// `target: {settings: …}`.
type Settings struct {
	Synchronous bool          // commit: synchronous (default) or asynchronous
	WALLatency  time.Duration // wal.latency: added to each direction of the WAL link; default 0s
	Failover    bool          // controller.failover: enabled (default), manual (it pages, people decide) or disabled
	Manual      bool          // controller.failover: manual
	PagerMuted  bool          // pager.muted: true or false (default)
	Documents   int           // documents: seeded at the start; default 300
	Cache       bool          // cache: none (default) or auto, which uses redis-server when it is there

	// What protects against the failures that nobody sees at once. Each is enabled unless a scenario switches it off.
	Alarm        bool // replication.alarm: enabled (default), silent-when-broken or disabled
	Silent       bool // replication.alarm: silent-when-broken, the hole: a broken replication is the one that is not told
	Preflight    bool // preflight: enabled (default) or disabled, which promotes whatever is there
	Certificates bool // certificates.check: enabled (default) or disabled, which trusts any certificate and renews none
	Parity       bool // parity: enabled (default) or disabled, which lets the regions run different builds
}

// setting is one key: its default, and how its text is read.
type setting struct {
	standard string
	read     func(s *Settings, text string) error
}

var settingsByKey = map[string]setting{
	"commit": {"synchronous", func(s *Settings, t string) error {
		return oneOf(t, map[string]func(){"synchronous": func() { s.Synchronous = true }, "asynchronous": func() { s.Synchronous = false }})
	}},
	"wal.latency": {"0s", func(s *Settings, t string) error {
		span, err := harness.ParseDuration(t)
		d := span.D()
		if err != nil || d > maxWALLatency || d%time.Millisecond != 0 {
			return fmt.Errorf("%q is not a latency: write whole milliseconds up to %v, such as 200ms", t, maxWALLatency)
		}
		s.WALLatency = d
		return nil
	}},
	"controller.failover": {"enabled", func(s *Settings, t string) error {
		return oneOf(t, map[string]func(){"enabled": func() { s.Failover = true }, "disabled": func() { s.Failover = false },
			"manual": func() { s.Failover, s.Manual = false, true }})
	}},
	"pager.muted": {"false", func(s *Settings, t string) error {
		return oneOf(t, map[string]func(){"true": func() { s.PagerMuted = true }, "false": func() { s.PagerMuted = false }})
	}},
	"documents": {"300", func(s *Settings, t string) error {
		n, err := strconv.Atoi(t)
		if err != nil || n < 1 || n > maxDocuments {
			return fmt.Errorf("%q is not a number of documents: write 1 to %d", t, maxDocuments)
		}
		s.Documents = n
		return nil
	}},
	"cache": {"none", func(s *Settings, t string) error {
		return oneOf(t, map[string]func(){"none": func() { s.Cache = false }, "auto": func() { s.Cache = true }})
	}},
	"replication.alarm": {"enabled", func(s *Settings, t string) error {
		return oneOf(t, map[string]func(){"enabled": func() { s.Alarm = true }, "disabled": func() { s.Alarm = false },
			"silent-when-broken": func() { s.Alarm, s.Silent = true, true }})
	}},
	"preflight":          onOff(func(s *Settings) *bool { return &s.Preflight }),
	"certificates.check": onOff(func(s *Settings) *bool { return &s.Certificates }),
	"parity":             onOff(func(s *Settings) *bool { return &s.Parity }),
}

// onOff is a setting that is enabled unless it is disabled.
func onOff(field func(*Settings) *bool) setting {
	return setting{"enabled", func(s *Settings, t string) error {
		return oneOf(t, map[string]func(){"enabled": func() { *field(s) = true }, "disabled": func() { *field(s) = false }})
	}}
}

// ParseSettings reads the settings of a scenario; every problem is reported at
// once. It also returns all settings as text, defaults included.
func ParseSettings(given map[string]string) (Settings, map[string]string, error) {
	var s Settings
	all := map[string]string{}
	var errs []error
	for key, known := range settingsByKey {
		all[key] = known.standard
		if text, ok := given[key]; ok {
			all[key] = text
		}
		if err := known.read(&s, all[key]); err != nil {
			errs = append(errs, fmt.Errorf("target setting %s: %w", key, err))
		}
	}
	keys := slices.Sorted(maps.Keys(settingsByKey))
	for key := range given {
		if _, ok := settingsByKey[key]; !ok {
			errs = append(errs, fmt.Errorf("target setting %q is not known: %s", key, strictyaml.Suggest(key, keys)))
		}
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return Settings{}, nil, errors.Join(errs...)
	}
	return s, all, nil
}

// KnownSettings gives each setting with the check of its value, for the validation of scenarios.
func KnownSettings() map[string]func(value string) error {
	known := map[string]func(string) error{}
	for key, s := range settingsByKey {
		known[key] = func(value string) error { return s.read(&Settings{}, value) }
	}
	return known
}

// CheckRequest finds what is wrong with the settings and the profile of a start.
func CheckRequest(settings map[string]string, profile string) error {
	_, _, err := ParseSettings(settings)
	_, profileErr := ProfileOf(profile)
	if err := errors.Join(err, profileErr); err != nil {
		return &Error{Component: "settings", Err: err}
	}
	return nil
}

func oneOf(text string, words map[string]func()) error {
	if set, ok := words[text]; ok {
		set()
		return nil
	}
	return fmt.Errorf("%q is not possible: %s", text, strictyaml.Suggest(text, slices.Sorted(maps.Keys(words))))
}
