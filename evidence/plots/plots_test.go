package plots

import (
	"bytes"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var nan = math.NaN()

func sample() (Chart, Timeline) {
	var p50, p99 Series
	p50.Name, p99.Name = "p50", "p99"
	for t := -10.0; t <= 30; t += 0.5 {
		v, w := 3+math.Sin(t), 12+4*math.Sin(t*1.3)
		if t >= 0 && t < 4 {
			v, w = nan, nan
		}
		if t >= 4 && t < 6 {
			v, w = 40, 180
		}
		p50.T, p50.V = append(p50.T, t), append(p50.V, v)
		p99.T, p99.V = append(p99.T, t), append(p99.V, w)
	}
	objective := 150.0
	faults := []Window{{From: -6, To: nan, Label: "certificate.expire (expired)"}, {From: 0, To: 18, Label: "region.partition"}}
	events := []Event{{0, "fault in force"}, {3.1, "failure detected"}, {3.3, "failover declared"}, {3.4, "alert received (pagerduty)"},
		{4.2, "first good response"}, {18, "undo complete"}, {99, "later"}}
	axis := Axis{Zero: "region.partition was in force", Faults: faults, Events: events}
	return Chart{Axis: axis, Title: "Latency", YLabel: "milliseconds", Series: []Series{p50, p99}, Objective: &objective, YMin: new(float64)}, Timeline{Axis: axis, Title: "Timeline",
		Bars: []Bar{{"baseline", -10, 0}, {"fault", 0, 18}, {"settle", 4.2, 20}, {"undo", 17.5, 18.2}, {"reconcile the ledger", 20, nan}, {"never started", nan, nan}}}
}

// classes is a stacked chart with every look.
func classes(axis Axis) Stacked {
	s := Stacked{Axis: axis, Title: "Outcomes of load queries, by class", YLabel: "requests due in each 0.25 s", From: -10, Width: 0.25}
	for look := range numLooks {
		l := Layer{Name: fmt.Sprintf("class %d", look), Look: look}
		for i := range 160 {
			v := 0.0
			if look == 1 && (i < 40 || i > 140) {
				v = 50
			}
			if look != 1 && i >= 40 && i <= 140 && (i-40)/7 == look%15 {
				v = 10 + float64(i%7)*6
			}
			l.V = append(l.V, v)
		}
		s.Layers = append(s.Layers, l)
	}
	return s
}

func TestStackedChartRefusesWhatIsNoCount(t *testing.T) {
	for name, change := range map[string]func(*Stacked){
		"negative": func(s *Stacked) { s.Layers[3].V[5] = -1 }, "missing": func(s *Stacked) { s.Layers[3].V[5] = nan },
		"short": func(s *Stacked) { s.Layers[3].V = s.Layers[3].V[1:] }, "look": func(s *Stacked) { s.Layers[0].Look = numLooks },
		"width": func(s *Stacked) { s.Width = 0 }, "faults": func(s *Stacked) { s.Faults = make([]Window, maxFaults+1) },
	} {
		s := classes(Axis{})
		change(&s)
		if _, err := s.Render(); err == nil {
			t.Errorf("%s: it is drawn", name)
		}
	}
	if img, err := (Stacked{}).Render(); err != nil || !bytes.Contains(img.SVG, []byte("no data")) {
		t.Errorf("no data is not said: %v", err)
	}
}

// A class that never occurs stands in the CSV and not in the legend.
func TestLegendNamesWhatOccurs(t *testing.T) {
	s := Stacked{Width: 1, Layers: []Layer{{"ok", 1, []float64{2, 2}}, {"certificate expired", 7, []float64{0, 0}}}}
	img, err := s.Render()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(img.SVG, []byte("certificate expired")) || !bytes.Contains(img.CSV, []byte("count,certificate expired,1,2,0")) {
		t.Errorf("SVG names it: %v, CSV %s", bytes.Contains(img.SVG, []byte("certificate expired")), img.CSV)
	}
}

func TestChartsAreDeterministic(t *testing.T) {
	chart, line := sample()
	for name, render := range map[string]func() (Images, error){"latency": chart.Render, "timeline": line.Render, "classes": classes(chart.Axis).Render} {
		a, err := render()
		if err != nil {
			t.Fatal(err)
		}
		b, err := render()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.PNG, b.PNG) || !bytes.Equal(a.SVG, b.SVG) || !bytes.Equal(a.CSV, b.CSV) {
			t.Errorf("%s: two renderings differ", name)
		}
		img, err := png.DecodeConfig(bytes.NewReader(a.PNG))
		if err != nil || float64(img.Width) < 17/2.54*200 {
			t.Errorf("%s: %v, %d pixels wide: under 200 dpi", name, err, img.Width)
		}
		for _, want := range []string{"failover declared", "region.partition", "later", "seconds since region.partition was in force", "certificate.expire (expired)"} {
			if !bytes.Contains(a.SVG, []byte(want)) {
				t.Errorf("%s: the SVG does not say %q", name, want)
			}
		}
		if bytes.Contains(a.SVG, []byte("no data")) {
			t.Errorf("%s: says no data", name)
		}
		if dir := os.Getenv("PLOTS_OUT"); dir != "" { // to look at them
			if err := os.WriteFile(filepath.Join(dir, name+".png"), a.PNG, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCSVHoldsWhatIsDrawn(t *testing.T) {
	c := Chart{Series: []Series{{Name: "fresh, pooled", T: []float64{-1, 0.25, 1}, V: []float64{100, nan, 99.5}}}, Axis: Axis{Faults: []Window{{From: 0, To: math.Inf(1)}}}}
	img, err := c.Render()
	if err != nil {
		t.Fatal(err)
	}
	want := "kind,name,from_s,to_s,value\nfault,,0,,\nsample,\"fresh, pooled\",-1,,100\nsample,\"fresh, pooled\",0.25,,\nsample,\"fresh, pooled\",1,,99.5\n"
	if string(img.CSV) != want {
		t.Errorf("CSV %q", img.CSV)
	}
}

// TestAsManyLinesAsLoadsAreDrawn, each in a stroke of its own: a drill that has run is not lost for want of a colour.
func TestAsManyLinesAsLoadsAreDrawn(t *testing.T) {
	const most = 16
	stroke := regexp.MustCompile(`stroke:#[0-9A-Fa-f]+|stroke-dasharray:[0-9.,]+`)
	strokes := map[string]bool{}
	for n := range most {
		c := Chart{Series: make([]Series, most)}
		c.Series[n] = Series{Name: "the one", T: []float64{0, 1}, V: []float64{1, 2}}
		img, err := c.Render()
		if err != nil {
			t.Fatal(err)
		}
		strokes[strings.Join(stroke.FindAllString(string(img.SVG), -1), " ")] = true
	}
	if len(strokes) != most {
		t.Errorf("%d lines have %d strokes", most, len(strokes))
	}
}

func TestNoDataIsSaid(t *testing.T) {
	empty := Series{Name: "p50", T: []float64{0, 1}, V: []float64{nan, nan}}
	for name, render := range map[string]func() (Images, error){
		"all missing":    Chart{Series: []Series{empty, {Name: "p99"}}, Axis: Axis{Events: []Event{{1, "x"}}}}.Render,
		"no series":      Chart{}.Render,
		"empty timeline": Timeline{Title: "Timeline"}.Render,
	} {
		img, err := render()
		if err != nil || !bytes.Contains(img.SVG, []byte("no data")) || len(img.PNG) == 0 {
			t.Errorf("%s: %v; no data is not said", name, err)
		}
	}
}

func TestOddInput(t *testing.T) {
	one := Series{Name: "☃ \U0001f600 line\nbreak → end", T: []float64{5}, V: []float64{7}}
	if _, err := (Chart{Series: []Series{one}, Axis: Axis{Faults: []Window{{From: nan}}}}).Render(); err != nil {
		t.Errorf("one point: %v", err)
	}
	flat := Series{Name: "flat", T: []float64{0, 1, 2}, V: []float64{0, 0, 0}}
	if _, err := (Chart{Series: []Series{flat}, YMin: new(float64)}).Render(); err != nil {
		t.Errorf("flat line: %v", err)
	}
	for name, s := range map[string]Series{"lengths": {T: []float64{1}}, "order": {T: []float64{2, 1}, V: []float64{1, 1}}, "time": {T: []float64{nan}, V: []float64{1}}} {
		if _, err := (Chart{Series: []Series{s}}).Render(); err == nil || !strings.Contains(err.Error(), "series") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (Timeline{Bars: make([]Bar, MaxBars+1)}).Render(); err == nil {
		t.Error("too many phases are drawn")
	}
}
