package processes

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
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
	Cache       bool          // cache: none (default) or auto, which uses redis-server when it is on PATH
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
		d, err := time.ParseDuration(t)
		if err != nil || d < 0 || d > maxWALLatency || d%time.Millisecond != 0 {
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
			errs = append(errs, fmt.Errorf("target setting %q is not known: %s", key, suggest(key, keys)))
		}
	}
	if len(errs) > 0 {
		slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return Settings{}, nil, errors.Join(errs...)
	}
	return s, all, nil
}

func oneOf(text string, words map[string]func()) error {
	if set, ok := words[text]; ok {
		set()
		return nil
	}
	return fmt.Errorf("%q is not possible: %s", text, suggest(text, slices.Sorted(maps.Keys(words))))
}

// suggest names the word that was probably meant, or all of them.
func suggest(got string, words []string) string {
	best, least := "", 4 // more than three changes is another word
	for _, w := range words {
		if d := distance(strings.ToLower(got), w); d < least && d < len(w) {
			best, least = w, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "write one of " + strings.Join(words, ", ")
}

// maxWord bounds the words that are compared, in bytes.
const maxWord = 64

// distance counts the letters to insert, drop or replace to get from a to b.
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return maxWord
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// timings is one timing profile, in real time.
type timings struct {
	name     string
	interval time.Duration // between the starts of two health checks
	failures int
	timeout  time.Duration
	ttl      time.Duration
}

var profiles = []timings{
	{"fast", time.Second, 3, time.Second, 2 * time.Second},
	{"standard", 30 * time.Second, 3, 5 * time.Second, 60 * time.Second},
}

// profileOf finds a timing profile; empty is fast, as befits a rehearsal.
func profileOf(name string) (timings, error) {
	if name == "" {
		return profiles[0], nil
	}
	var names []string
	for _, p := range profiles {
		if p.name == name {
			return p, nil
		}
		names = append(names, p.name)
	}
	return timings{}, fmt.Errorf("profile %q is not known: %s", name, suggest(name, names))
}

// alertFloor is the part of an alert's latency that is configured: the checks
// that must fail, the last of them by running into its timeout.
func (t timings) alertFloor() time.Duration {
	return time.Duration(t.failures-1)*t.interval + t.timeout
}
