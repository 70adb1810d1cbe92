package target_test

import (
	"strings"
	"testing"
	"time"

	"blackstart/harness/target"
)

func TestTheWindowOpensByTheClockOfItsZone(t *testing.T) {
	night := target.Window{Zone: "America/New_York", Days: []string{"sat"}, From: "22:00", To: "04:00", Holidays: []string{"2026-12-26"}}
	dayly := target.Window{Zone: "Europe/Berlin", Days: []string{"mon", "tue"}, From: "09:00", To: "17:30"}
	for _, c := range []struct {
		w    target.Window
		at   string
		open bool
		text string
	}{
		{night, "2026-11-29T02:59:00Z", false, "opens Sat 2026-11-28 22:00 EST"},
		{night, "2026-11-29T03:00:00Z", true, "until Sun 2026-11-29 04:00 EST"},
		{night, "2026-11-29T08:59:59Z", true, "until Sun 2026-11-29 04:00 EST"},
		{night, "2026-11-29T09:00:00Z", false, "opens Sat 2026-12-05 22:00 EST"},
		{night, "2026-12-27T04:00:00Z", false, "opens Sat 2027-01-02"}, // the Saturday is a holiday
		{night, "2026-07-05T02:30:00Z", true, "04:00 EDT"},             // summer: an hour earlier
		{dayly, "2026-03-30T07:00:00Z", true, "17:30 CEST"},
		{dayly, "2026-03-23T07:59:59Z", false, "opens Mon 2026-03-23 09:00 CET"},
		{dayly, "2026-03-24T16:30:00Z", false, "opens Mon 2026-03-30 09:00 CEST"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		open, text := c.w.At(at)
		if open != c.open || !strings.Contains(text, c.text) {
			t.Errorf("%s: %v, %q; want %v, %q", c.at, open, text, c.open, c.text)
		}
	}
	never := target.Window{Zone: "UTC", Days: []string{"sat"}, From: "00:00", To: "00:00"}
	if open, _ := never.At(time.Date(2026, 11, 28, 23, 59, 0, 0, time.UTC)); !open {
		t.Error("a window of a whole day is shut at its end")
	}
}
