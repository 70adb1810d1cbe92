package victim

import (
	"context"
	"errors"
	"strings"
	"testing"

	"blackstart/harness"
)

// inside asks a link from its own end, and says what it is told to say.
type inside struct {
	word   string
	err    error
	cannot error
}

func (inside) Running(context.Context, string) (bool, error)     { return true, nil }
func (inside) Access(string, string) (harness.Access, error)     { return harness.Access{}, nil }
func (i inside) AskLink(context.Context, string) (string, error) { return i.word, i.err }
func (i inside) AsksLink(string) error                           { return i.cannot }

// A link between two parts of a system that a file describes is asked from its own end: from anywhere else it would be another.
func TestALinkInsideIsAskedFromItsOwnEnd(t *testing.T) {
	d := target("postgres", "tcp", "127.0.0.1:1") // which refuses, asked from here
	d.Kind, d.Links[0].From = harness.External, "west"
	link := d.Links[0].Name
	for _, c := range []struct {
		kind   harness.CheckKind
		driver Driver
		want   string // why it does not hold, "" if it does
	}{
		{harness.LinkAnswers, inside{word: harness.LinkWordAnswers}, ""},
		{harness.LinkSilent, inside{word: harness.LinkWordSilent}, ""},
		{harness.LinkSilent, inside{word: harness.LinkWordAnswers}, "asked from its own end, it is answers"},
		{harness.LinkSilent, inside{word: harness.LinkWordRefused}, "it is refused"},
		{harness.LinkAnswers, inside{err: errors.New("planted")}, "could not be asked from its own end: planted"},
		{harness.LinkAnswers, inside{cannot: errors.New("no host")}, "no host"},
		{harness.LinkSilent, nil, "nobody can ask it from its own end"},
	} {
		ask, err := Victim{&d, c.driver, harness.NewClock()}.ask(harness.Check{Kind: c.kind, On: link})
		if err == nil {
			err = ask(t.Context(), func() {})
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s by %+v: %v, want %q", c.kind, c.driver, err, c.want)
		}
	}
	d.Links[0].From = harness.Outside // from outside it is asked from here, whoever could ask it elsewhere
	denies(t, d, inside{word: harness.LinkWordAnswers}, harness.Check{Kind: harness.LinkAnswers, On: link}, "refused")
}
