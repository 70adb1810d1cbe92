package harness

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		of          Bounds
		unit        string
		least, most int64
		wrong       string
	}{
		{Bounds{AtMost: "5s"}, UnitNS, math.MinInt64, int64(5 * time.Second), ""},
		{Bounds{AtMost: "1.5%", AtLeast: "0.0001%"}, UnitPPM, 1, 15_000, ""},
		{Bounds{AtLeast: "-3"}, UnitCount, -3, math.MaxInt64, ""},
		{Bounds{AtMost: "10", AtLeast: "10"}, "bytes", 10, 10, ""},
		{Bounds{AtMost: "5"}, UnitNS, 0, 0, "atMost: \"5\" has no unit"},
		{Bounds{AtLeast: "5s"}, UnitCount, 0, 0, "atLeast: \"5s\" is not a whole number"},
		{Bounds{AtLeast: "5"}, UnitPPM, 0, 0, "atLeast: \"5\" is not a share"},
		{Bounds{AtMost: "1e3"}, UnitCount, 0, 0, "not a whole number"}, {Bounds{AtMost: "007"}, UnitCount, 0, 0, "not a whole number"},
		{Bounds{AtMost: "99999999999999999999"}, UnitCount, 0, 0, "not a whole number"},
		{Bounds{AtMost: "1", AtLeast: "2"}, UnitCount, 0, 0, "no value is within"},
	} {
		least, most, err := c.of.Read(c.unit)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) || err == nil && (least != c.least || most != c.most) {
			t.Errorf("%+v in %s: %d to %d, %v", c.of, c.unit, least, most, err)
		}
	}
	for want, b := range map[string]Bounds{"at most 1": {AtMost: "1"}, "at least 1": {AtLeast: "1"}, "at least 1 and at most 2": {"2", "1"}} {
		if b.String() != want || !b.Some() {
			t.Errorf("%q", b)
		}
	}
	good := Observation{OK: true, Reached: true, Value: 5, Unit: UnitCount}
	bad, other := good, good
	bad.OK, other.Unit = false, UnitNS
	for what, beyond := range map[string]bool{
		"none": Bounds{}.Beyond(good), "within": Bounds{AtMost: "5", AtLeast: "5"}.Beyond(good), "more": !Bounds{AtMost: "4"}.Beyond(good),
		"less": !Bounds{AtLeast: "6"}.Beyond(good), "not OK": !Bounds{}.Beyond(bad), "another unit": !Bounds{AtMost: "5"}.Beyond(other),
	} {
		if beyond {
			t.Error(what)
		}
	}
	for want, v := range map[string]string{"5s": ValueWords(UnitNS, 5e9), "1%": ValueWords(UnitPPM, 10_000), "7 bytes": ValueWords("bytes", 7), "-1": ValueWords(UnitCount, -1)} {
		if v != want {
			t.Errorf("%q, want %q", v, want)
		}
	}
}

// at makes a moment of so many seconds.
func at(seconds float64) Stamp { return Stamp(1e18 + int64(seconds*1e9)) }

// said is an answer that was asked for at a second, and took a tenth.
func said(second float64, ok bool, value int64) Observation {
	return Observation{At: Interval{at(second), at(second + 0.1)}, OK: ok, Reached: ok, Value: value, Unit: UnitCount, Detail: map[bool]string{false: "refused"}[ok]}
}

// Each guard on recorded answers: when it fires, to the tenth of a second, and in what words.
func TestGuardsFire(t *testing.T) {
	failing := Guard{Probe: "p", FailingFor: Duration(3 * time.Second)}
	bound := Guard{Probe: "p", AtMost: "5", ForLonger: Duration(3 * time.Second)}
	var good []Observation
	for second := 1.0; second < 125; second++ {
		good = append(good, said(second, true, 5))
	}
	for what, c := range map[string]struct {
		guard   Guard
		answers []Observation
		fires   float64 // never: 0
		says    string
	}{
		"good answers":                     {bound, good, 0, ""},
		"no answer at all":                 {bound, nil, 4, "there is no answer"}, // the first was due at 1
		"no answer at all, and no bound":   {failing, nil, 0, ""},
		"a last answer":                    {bound, []Observation{said(1, true, 5)}, 5, "has not been at most 5 for 3s: there is no answer"},
		"an answer that took long":         {bound, []Observation{{At: Interval{at(1), at(3)}, OK: true, Reached: true, Unit: UnitCount}}, 6, "there is no answer"},
		"beyond":                           {bound, []Observation{said(1, true, 5), said(2, true, 6), said(3, true, 8)}, 5, "its value is 8"},
		"within again, in time":            {bound, []Observation{said(1, true, 6), said(2, true, 6), said(3, true, 5), said(4, true, 6), said(9, true, 5)}, 7, "its value is 6"},
		"one that is none":                 {bound, []Observation{said(1, true, 6), said(2, false, 0), said(3, false, 0)}, 4, "its answer is none: refused"},
		"another unit":                     {Guard{Probe: "p", AtMost: "5s", ForLonger: Duration(time.Second)}, []Observation{said(1, true, 5)}, 2, "its value is 5"},
		"failing":                          {failing, []Observation{said(1, true, 5), said(2, false, 0), said(3, false, 0)}, 5, "has been failing for 3s"},
		"good after a while":               {failing, []Observation{said(1, false, 0), said(3, true, 0), said(4, false, 0), said(6, true, 0)}, 0, ""},
		"a value that nobody asks for":     {failing, []Observation{said(1, true, 1000)}, 0, ""},
		"a probe that is not asked any so": {failing, []Observation{said(1, true, 0)}, 0, ""},
	} {
		s := &series{run: ProbeRun{ID: "p", Probe: "k.k", On: "east.db", Role: Primary, Every: time.Second}}
		s.watch([]Guard{{Probe: "another"}, c.guard}, at(1))
		fired, why := 0.0, ""
		for tenth := 1.0; tenth < 120 && fired == 0; tenth++ {
			now := tenth / 10
			for _, o := range c.answers {
				if o.At.Hi > at(now-0.1) && o.At.Hi <= at(now) {
					s.watched[0].take(o, s.run.Every)
				}
			}
			if w, text := s.fired(at(now)); w != nil {
				fired, why = now, text
			}
		}
		if math.Abs(fired-c.fires) > 0.11 || !strings.Contains(why, c.says) || s.watched[0].number != 2 {
			t.Errorf("%s: at %.1f: %s", what, fired, why)
		}
	}
}

// A guard is on the series that go by its name, in the region that it names if it names one.
func TestWhatAGuardWatches(t *testing.T) {
	r := ProbeRun{ID: "lag", Probe: "redis.info", On: "west.cache", Role: Standby}
	for what, c := range map[string]struct {
		g    Guard
		want string
	}{
		"id": {Guard{Probe: "lag"}, "lag (redis.info on west.cache)"}, "kind": {Guard{Probe: "redis.info", Region: Standby}, "redis.info of the standby region"},
		"region": {Guard{Probe: "lag", Region: Standby}, "lag (redis.info on west.cache) of the standby region"},
		"other":  {Guard{Probe: "lag", Region: Primary}, ""}, "nothing": {Guard{}, ""}, "another": {Guard{Probe: "lags"}, ""},
	} {
		if c.g.watches(r) != (c.want != "") || c.want != "" && c.g.subject(r) != c.want {
			t.Errorf("%s: %t, %s", what, c.g.watches(r), c.g.subject(r))
		}
	}
}

func TestClientsThatAreNotOurs(t *testing.T) {
	traits := func(p ProbeSpec) (ProbeTraits, bool) {
		return ProbeTraits{Clients: p.Probe == "prometheus.query"}, p.Probe != "unreadable"
	}
	theirs := []ProbeSpec{{ID: "orders", Probe: "sql.query"}}
	ours := []ProbeSpec{{ID: "port", Probe: "tcp.connect"}, {ID: "errors", Probe: "prometheus.query"}, {ID: "x", Probe: "unreadable"}}
	for guard, counts := range map[string]bool{"orders": true, "sql.query": true, "errors": true, "port": false, "http.health": false, "x": false, "": false} {
		s := &Scenario{Probes: ours, Guards: []Guard{{Probe: guard}}}
		for env, refused := range map[string]bool{Rehearsal: false, Staging: !counts, Production: !counts, "": !counts} {
			if err := GuardsOthers(s, &Description{Environment: env, Probes: theirs}, traits); (err != nil) != refused {
				t.Errorf("%q in %q: %v", guard, env, err)
			}
		}
	}
	if GuardsOthers(&Scenario{}, &Description{Environment: Production, Probes: theirs}, traits) == nil {
		t.Error("no guard at all")
	}
}
