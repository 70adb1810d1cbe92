package target

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
	_ "time/tzdata" // a zone is a zone on every machine

	"blackstart/internal/strictyaml"
)

// Window is a change window: hours of the wall clock of a zone, on some days.
type Window struct {
	Zone     string   `yaml:"zone" need:"yes" doc:"time zone by its name, such as America/New_York"`
	Days     []string `yaml:"days" need:"yes" one:"mon|tue|wed|thu|fri|sat|sun" doc:"days on which it opens"`
	From     string   `yaml:"from" need:"yes" doc:"when it opens, in quotes: \"18:00\""`
	To       string   `yaml:"to" need:"yes" doc:"when it shuts; at or before from, on the next day"`
	Holidays []string `yaml:"holidays" doc:"days on which it does not open, such as 2026-12-25"`
}

var (
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	clock    = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)
)

const day = "2006-01-02"

// lookAhead is how many days are searched for the next time a window opens.
const lookAhead = 400

// minutes reads "18:00".
func minutes(text string) (int, bool) {
	m := clock.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	h, _ := strconv.Atoi(m[1])   // two digits
	min, _ := strconv.Atoi(m[2]) // two digits
	return 60*h + min, true
}

// check reports what is wrong with a window.
func (w *Window) check(n *strictyaml.Node, out *strictyaml.Collector) {
	at := func(key string) strictyaml.Pos { return n.Get(key).Pos }
	if _, err := time.LoadLocation(w.Zone); w.Zone != "" && (err != nil || w.Zone == "Local") {
		out.Add(at("zone"), "write a zone by its name, such as America/New_York or UTC", "there is no time zone %q", w.Zone)
	}
	for key, text := range map[string]string{"from": w.From, "to": w.To} {
		if _, ok := minutes(text); !ok && text != "" {
			out.Add(at(key), `write hours and minutes in quotes, such as "18:00"`, "%s of the change window is %q", key, text)
		}
	}
	for i, h := range w.Holidays {
		if d, err := time.Parse(day, h); err != nil || d.Format(day) != h {
			out.Add(n.Get("holidays").Items[i].Pos, "write a day that there is, such as 2026-12-25", "holiday %q is no day", h)
		}
	}
}

// of is the window that opens on the day of t in the zone, if one does.
func (w *Window) of(t time.Time) (from, to time.Time, ok bool) {
	if !slices.Contains(w.Days, weekdays[t.Weekday()]) || slices.Contains(w.Holidays, t.Format(day)) {
		return from, to, false
	}
	opens, _ := minutes(w.From) // check has seen both
	shuts, _ := minutes(w.To)
	at := func(offset, minute int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+offset, 0, minute, 0, 0, t.Location())
	}
	if shuts <= opens {
		return at(0, opens), at(1, shuts), true
	}
	return at(0, opens), at(0, shuts), true
}

// At tells whether the window is open at a moment, until when, or when it opens next. The text ends neither.
func (w *Window) At(now time.Time) (open bool, text string) {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return false, err.Error()
	}
	now = now.In(zone)
	for offset := -1; offset <= lookAhead; offset++ {
		from, to, ok := w.of(now.AddDate(0, 0, offset))
		switch {
		case !ok || !to.After(now):
		case from.After(now):
			return false, "shut; opens " + from.Format("Mon 2006-01-02 15:04 MST")
		default:
			return true, "open until " + to.Format("Mon 2006-01-02 15:04 MST")
		}
	}
	return false, fmt.Sprintf("shut, and does not open within %d days", lookAhead)
}
