package probes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/internal/registry"
)

const getName = "http.get"

var _ = Probes.Add(registry.Kind[Factory]{
	Name: getName,
	Doc: "GET on a component of kind `api`, or on the public entry, on a connection of its own that is verified as a client would: OK is the " +
		"status that is expected, and, where one is written, the value or the text. The value is the number at the pointer, else 1.",
	Example: "{id: orders-open, probe: http.get, on: east.api, every: 2s, with: {path: /stats, pointer: /orders/open}}",
	New:     func() Factory { return &getFactory{} },
})

type getFactory struct{ with getWith }

type getWith struct {
	Path    string `yaml:"path" doc:"what is asked for, with the first slash; as the target file has it if not written"`
	Status  int    `yaml:"status" min:"100" max:"599" doc:"status of a good answer; 200 if not written"`
	Pointer string `yaml:"pointer" doc:"JSON pointer to the value in the answer"`
	Is      string `yaml:"is" doc:"text that must stand at the pointer; then the value is 1"`
	Matches string `yaml:"matches" doc:"regular expression (RE2) that the body must match"`
	AtMost  string `yaml:"atMost" doc:"greatest number of a good answer, by its unit"`
	AtLeast string `yaml:"atLeast" doc:"least number of a good answer, by its unit"`
	Unit    string `yaml:"unit" one:"count|bytes|seconds|milliseconds|share|age" doc:"what the number at the pointer is; count if not written. A share is 0 to 1; an age is counted from the moment at the pointer, which is RFC 3339 or seconds since 1970"`
}

// With implements registry.Parametrised.
func (f *getFactory) With() any { return &f.with }

// Every is the pace of questions.
func (*getFactory) Every() time.Duration { return time.Second }

// Traits: it is asked of what speaks HTTP, as clients do.
func (f *getFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Speaks: apiKind, Entry: true, Public: true, Fastest: 100 * time.Millisecond, Unit: f.unit()}
}

func (f *getFactory) counts() bool { return f.with.Pointer != "" && f.with.Is == "" }

func (f *getFactory) unit() string {
	if f.counts() {
		return traitUnit(f.with.Unit)
	}
	return unitBool
}

func (f *getFactory) bounds() harness.Bounds {
	return harness.Bounds{AtMost: f.with.AtMost, AtLeast: f.with.AtLeast}
}

// Wrong implements Judge.
func (f *getFactory) Wrong() (key, wrong, hint string) {
	if w := f.with; w.Path != "" {
		if wrong, hint := wrongPath(w.Path); wrong != "" {
			return "path", wrong, hint
		}
	}
	if _, err := regexp.Compile(f.with.Matches); err != nil {
		return "matches", "is no regular expression", `write one (RE2), such as "^ok"`
	}
	if wrong, hint := wrongPointer(f.with.Pointer); wrong != "" {
		return "pointer", wrong, hint
	}
	switch w := f.with; {
	case w.Pointer == "" && (w.Is != "" || w.Unit != "" || f.bounds().Some()):
		return "pointer", "is not written", "write pointer: where the value stands that the rest speaks of"
	case w.Is != "" && (w.Unit != "" || f.bounds().Some()):
		return "is", "is a text, and the rest speaks of a number", "keep one of the two"
	}
	if _, _, err := f.bounds().Read(f.unit()); err != nil {
		return "atMost", "cannot be read: " + err.Error(), "write atMost: or atLeast: in its unit"
	}
	return "", "", ""
}

// Open finds the way there.
func (f *getFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	r, err := reachOf(config)
	if err != nil {
		return nil, err
	}
	c, path, err := r.web(f.with.Path)
	if err != nil {
		return nil, err
	}
	matches, err := regexp.Compile(f.with.Matches)
	if err != nil {
		return nil, errors.New("matches is no regular expression")
	}
	ask := func(ctx context.Context) (reply, error) {
		status, body, err := c.get(ctx, path)
		if err != nil {
			return reply{}, err
		}
		got, err := f.judge(status, body, matches, config.Clock.Now().Time())
		if err != nil {
			return reply{}, no(err)
		}
		return got, nil
	}
	return &asking{clock: config.Clock, kind: getName, on: config.On, unit: f.unit(), ask: ask}, nil
}

// judge holds an answer against what is expected of it.
func (f *getFactory) judge(status int, body []byte, matches *regexp.Regexp, now time.Time) (reply, error) {
	w, told := f.with, fmt.Sprintf("status %d", status)
	if status != cmp.Or(w.Status, http.StatusOK) {
		return reply{}, errors.New(told)
	}
	if !matches.Match(body) {
		return reply{}, fmt.Errorf("%s, and its body does not match %s", told, w.Matches)
	}
	if w.Pointer == "" {
		return reply{1, told}, nil
	}
	text, err := component.Pointer(body, w.Pointer)
	switch {
	case err != nil:
		return reply{}, fmt.Errorf("%s: %w", told, err)
	case w.Is != "" && text != w.Is:
		return reply{}, fmt.Errorf("another text stands at %s (%d bytes)", w.Pointer, len(text))
	case w.Is != "":
		return reply{1, told}, nil
	}
	value, err := number(text, w.Unit, now)
	if err == nil && f.bounds().Beyond(harness.Observation{OK: true, Value: value, Unit: f.unit()}) {
		err = fmt.Errorf("it is %s, and must be %s", harness.ValueWords(f.unit(), value), f.bounds())
	}
	return reply{value, told}, err
}

// pointerForm is a JSON pointer (RFC 6901) but the empty one, which no single value stands at.
var pointerForm = regexp.MustCompile(`^(/([^~/]|~[01])*)+$`)

// wrongPointer says what is wrong with a JSON pointer, where one is written.
func wrongPointer(pointer string) (wrong, hint string) {
	if pointer != "" && !pointerForm.MatchString(pointer) {
		return "is no JSON pointer", "write one such as /orders/open or /0/lag"
	}
	return "", ""
}
