package victim

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

// scripted answers a check of its own kind round by round.
type scripted struct{ rounds []error }

func (s *scripted) ask(context.Context, func()) error {
	time.Sleep(5 * time.Millisecond)
	r := s.rounds[0]
	if len(s.rounds) > 1 {
		s.rounds = s.rounds[1:]
	}
	return r
}

// Lo moves with each round in which all is seen not to be so, and with no other: what could not be asked is not known.
func TestWitnessDatesWhatOthersDo(t *testing.T) {
	not, unasked := found("it answers"), errors.New("it could not be asked")
	for _, c := range []struct {
		name   string
		a, b   []error
		lo     int // number of the round, from 1, at whose begin Lo is; 0: never
		rounds int // after so many all hold
	}{
		{"seen not to be so, then so", []error{not, not, nil}, []error{not, not, nil}, 2, 3},
		{"one comes before the other", []error{not, nil, nil}, []error{not, not, nil}, 1, 3},
		{"not asked in between", []error{not, unasked, nil}, []error{not, not, nil}, 1, 3},
		{"never seen otherwise", []error{unasked, nil}, []error{unasked, nil}, 0, 2},
		{"a packet was lost", []error{not, nil, not, nil}, []error{not, nil, not, nil}, 3, 4},
		{"there from the start", []error{nil}, []error{nil}, 0, 1},
		{"it flaps", []error{nil, not, not, nil}, []error{not, nil, not, nil}, 3, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b, clock := &scripted{c.a}, &scripted{c.b}, harness.NewClock()
			checks := []harness.Check{{Kind: "a"}, {Kind: "b"}}
			start := clock.Now()
			at, err := witness(t.Context(), checks, []Ask{a.ask, b.ask}, clock)
			if err != nil {
				t.Fatal(err)
			}
			round := time.Duration(5)*time.Millisecond + betweenRounds
			if c.lo == 0 != (at.Lo == 0) || at.Lo != 0 && (at.Lo.Sub(start) < time.Duration(c.lo-1)*round || at.Hi < at.Lo) {
				t.Errorf("%v after the start %v", at, start)
			}
			if at.Hi.Sub(start) < time.Duration(c.rounds-1)*round {
				t.Errorf("seen after %v", at.Hi.Sub(start))
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	a := &scripted{[]error{not}}
	_, err := witness(ctx, []harness.Check{{Kind: "a"}}, []Ask{a.ask}, harness.NewClock())
	var failed *ChecksFailedError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "it answers") {
		t.Error(err)
	}
}

// What answers is seen not to be silent; what cannot be asked is not.
func TestSilenceThatIsSeenNotToBe(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := harness.Description{Name: "t", Components: []harness.Component{{Name: "a", Kind: "api"}},
		Links: []harness.Link{{Name: "l", From: harness.Outside, To: "a", Protocol: "tcp", Address: l.Addr().String()}}}
	check := harness.Check{Kind: harness.LinkSilent, On: "l"}
	seen := func() bool {
		ask, err := Victim{&target, nil, harness.NewClock()}.ask(check)
		if err != nil {
			t.Fatal(err)
		}
		var o otherwise
		return errors.As(ask(t.Context(), func() {}), &o)
	}
	if !seen() {
		t.Error("an open port is not seen to answer")
	}
	_ = l.Close()
	if !seen() {
		t.Error("a refusal is not seen to be one")
	}
}
