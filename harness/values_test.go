package harness

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

func TestValuesReadWhatTheyWrite(t *testing.T) {
	type all struct {
		D Duration `yaml:"d"`
		R Rate     `yaml:"r"`
		S Ratio    `yaml:"s"`
		A Amount   `yaml:"a"`
		B Size     `yaml:"b"`
	}
	var v all
	text := "d: 1m30s\nr: 200/s\ns: 99.95%\na: \"1234.05\"\nb: 10MB\n"
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if v.D.D() != 90*time.Second || v.R.PerSecond() != 200 || v.S != 999_500 || v.A != (Amount{Minor: 123_405, Exponent: 2}) || v.B != 10_000_000 {
		t.Errorf("read %+v", v)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var again all
	if err := json.Unmarshal(out, &again); err != nil || again != v {
		t.Errorf("written as %s, read again as %+v: %v", out, again, err)
	}
}

func TestValuesSayWhatToWriteInstead(t *testing.T) {
	for _, c := range []struct {
		text string
		into any
		want string
	}{
		{"10", new(Duration), "10s"}, {"-5s", new(Duration), "10s"}, {"ten", new(Duration), "10s"},
		{"200", new(Rate), "200/s"}, {"200/fortnight", new(Rate), "200/s"}, {"-1/s", new(Rate), "200/s"},
		{"10", new(Size), "10MB"}, {"10mb", new(Size), "10MB"}, {"0B", new(Size), "10MB"}, {"-1kB", new(Size), "10MB"}, {"1.5GB", new(Size), "10MB"}, {"1000000B", new(Size), "10MB"},
		{"0.99", new(Ratio), "99.9%"}, {"101%", new(Ratio), "100%"}, {"99.99999%", new(Ratio), "four decimals"},
		{"1,000.00", new(Amount), "100.00"}, {"100.", new(Amount), "100.00"}, {"0.123456789", new(Amount), "100.00"},
	} {
		err := yaml.Unmarshal([]byte(c.text), c.into)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q into %T: %v, want a hint with %q", c.text, c.into, err, c.want)
		}
	}
}

func TestRatioNeverRoundsUp(t *testing.T) {
	for _, c := range []struct {
		ratio     Ratio
		part, all int
		want      bool
	}{
		{990_000, 99, 100, true}, {990_000, 989, 1000, false}, {999_000, 998_999, 1_000_000, false},
		{1_000_000, 100, 100, true}, {0, 0, 0, false}, {500_000, 0, 0, false},
	} {
		if got := c.ratio.Of(c.part, c.all); got != c.want {
			t.Errorf("%s of %d/%d = %v", c.ratio, c.part, c.all, got)
		}
	}
}

func TestStampIsNineDecimalsUTC(t *testing.T) {
	s := Stamp(time.Date(2026, 3, 1, 9, 30, 0, 5, time.FixedZone("", 3600)).UnixNano())
	b, err := json.Marshal(Interval{Lo: s})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"lo":"2026-03-01T08:30:00.000000005Z","hi":null}`; string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
	var back Interval
	if err := json.Unmarshal(b, &back); err != nil || back.Lo != s || back.Hi != 0 {
		t.Errorf("read back %+v, %v", back, err)
	}
	for _, bad := range []string{`"2026-03-01T08:30:00Z"`, `"2026-03-01T08:30:00.000000005+01:00"`, `5`} {
		if err := json.Unmarshal([]byte(bad), new(Stamp)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestVerdictIsInconclusiveUnlessSaidOtherwise(t *testing.T) {
	var v Verdict
	if v.String() != "inconclusive" || Verdict(9).String() != "inconclusive" {
		t.Error("the zero value or an unknown one is a verdict")
	}
	v = Pass
	if err := v.UnmarshalText([]byte("PASS!")); err != nil || v != Inconclusive {
		t.Error("an unknown word is a verdict")
	}
}

func TestSizesSayTheirLargestUnit(t *testing.T) {
	for size, want := range map[Size]string{0: "0B", 999: "999B", 1000: "1kB", 1024: "1KiB", 10e6: "10MB", 3 << 30: "3GiB", 1_000_001: "1000001B", 2e9: "2GB"} {
		if got := size.String(); got != want {
			t.Errorf("%d: %s, want %s", int64(size), got, want)
		}
	}
}
