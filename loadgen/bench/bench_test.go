package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/internal/figures"
	"blackstart/loadgen"
)

func TestAMissedBarIsAnError(t *testing.T) {
	rep := report{Rows: []figures.Row{{Name: "shown", Value: "3"}, {Name: "good", Bar: "1", Met: true}, {Name: "bad", Value: "2", Bar: "1", Remark: "why"}}}
	out, md := filepath.Join(t.TempDir(), "p.json"), filepath.Join(t.TempDir(), "p.md")
	err := publish(rep, out, md)
	if err == nil || !strings.Contains(err.Error(), "bad") || strings.Contains(err.Error(), "good") || strings.Contains(err.Error(), "shown") {
		t.Errorf("%v", err)
	}
	table, err := os.ReadFile(md)
	if err != nil || !strings.Contains(string(table), "| bad | 2 | 1 | **missed** |") || !strings.Contains(string(table), "* bad: why") ||
		!strings.Contains(string(table), "| good |  | 1 | met |") || !strings.Contains(string(table), "| shown | 3 | – |  |") {
		t.Errorf("%s, %v", table, err)
	}
	if _, err := os.Stat(out); err != nil {
		t.Error(err)
	}
	rep.Quick = true
	if err := publish(rep, "", ""); err != nil {
		t.Errorf("a quick report is not judged: %v", err)
	}
	rep.Quick, rep.Rows = false, rep.Rows[:2]
	if err := publish(rep, "", ""); err != nil {
		t.Error(err)
	}
}

func TestFindEdges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.bin")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := loadgen.NewSampleWriter(f, loadgen.Header{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(10) {
		s := loadgen.Sample{Seq: n, Due: int64(n) * 100, Sent: int64(n)*100 + 2, Done: int64(n)*100 + 10, Outcome: loadgen.OK}
		if n >= 4 && n < 7 {
			s.Outcome = loadgen.HTTP5xx
		}
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := findEdges(path, 350, 650)
	want := [2]edge{{302, 410, 356, 350}, {600, 710, 656, 650}}
	if err != nil || got != want {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestNumbers(t *testing.T) {
	v := []float64{5, 1, 4, 2, 3}
	if median(v) != 3 || quantile(v, 1) != 5 || quantile(v, 0.2) != 1 || v[0] != 5 {
		t.Error("median or quantile")
	}
	if p99([]int64{3, 1, 2}) != 3 {
		t.Error("p99")
	}
	if err := child("child-none", nil); err == nil {
		t.Error("unknown child ran")
	}
}
