package loadgen

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

func exported() (Header, []Sample) {
	h := Header{Kind: KindSamples, Stream: 4, Anchor: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC).UnixNano()}
	return h, []Sample{
		{Seq: 0, Due: 0, Sent: 1000, Done: 5_000_000, Outcome: OK, Status: 200},
		{Seq: 1, Due: 1000, Sent: 2000, Done: 1_001_000, Outcome: OK},
		{Seq: 2, Due: 2000, Sent: 2500, Done: 9_000, Outcome: HTTP5xx, Status: 503, Cohort: 1},
		{Seq: 3, Due: 3000, Sent: Never, Done: Never, Outcome: Unsent},
		{Seq: 4, Due: 4000, Sent: 4000, Done: 5000, Outcome: WrongAnswer, Status: 200, Worker: 6},
	}
}

func TestVegetaReadsTheExport(t *testing.T) {
	h, samples := exported()
	var b bytes.Buffer
	if err := NewVegetaWriter(&b).Write(h, Names{}, Each(samples)); err != nil {
		t.Fatal(err)
	}
	decode := vegeta.DecoderFor(&b)
	if decode == nil {
		t.Fatal("vegeta does not know the format")
	}
	var m vegeta.Metrics
	var all []vegeta.Result
	for range samples {
		var r vegeta.Result
		if err := decode(&r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
		m.Add(&r)
	}
	m.Close()
	if m.Requests != 5 || m.Success != 0.4 || strings.Join(m.Errors, " ") != "http-5xx unsent wrong-answer" {
		t.Errorf("%d requests, success %f, errors %q", m.Requests, m.Success, m.Errors)
	}
	if r := all[0]; r.Latency != 5*time.Millisecond || !r.Timestamp.Equal(h.AnchorTime()) || r.Attack != "stream-4" {
		t.Errorf("%+v", r)
	}
	if all[3].Latency != 0 || all[2].Code != 503 || all[4].Code != 0 {
		t.Errorf("%+v", all)
	}
}

// TestVegetaReadsSeveralStreams: what stands behind the first stream is read, too.
func TestVegetaReadsSeveralStreams(t *testing.T) {
	h, samples := exported()
	var b bytes.Buffer
	w := NewVegetaWriter(&b)
	for h.Stream = 1; h.Stream <= 3; h.Stream++ {
		if err := w.Write(h, Names{}, Each(samples)); err != nil {
			t.Fatal(err)
		}
	}
	decode := vegeta.DecoderFor(&b)
	seen := map[string]int{}
	for {
		var r vegeta.Result
		err := decode(&r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Attack]++
	}
	if len(seen) != 3 || seen["stream-1"] != 5 || seen["stream-2"] != 5 || seen["stream-3"] != 5 {
		t.Errorf("read %v", seen)
	}
}

func TestCSVAndNDJSON(t *testing.T) {
	h, samples := exported()
	var b bytes.Buffer
	if err := WriteCSV(&b, h, Names{Cohorts: []string{"fresh", "pooled"}}, Each(samples)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatal(rows, err)
	}
	if got := strings.Join(rows[1], ","); got != "0,2026-01-02T03:04:05.000000006Z,0,1000,5000000,5000000,ok,fresh,200,0" {
		t.Error(got)
	}
	if got := strings.Join(rows[4], ","); got != "3,2026-01-02T03:04:05.000003006Z,3000,,,,unsent,fresh,0,0" {
		t.Error(got)
	}
	if err := WriteNDJSON(&b, h, Names{Cohorts: []string{"fresh", "pooled"}}, Each(samples)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	var last, unsent map[string]any
	if err := errors.Join(json.Unmarshal([]byte(lines[4]), &last), json.Unmarshal([]byte(lines[3]), &unsent)); err != nil {
		t.Fatal(err)
	}
	if last["outcome"] != "wrong-answer" || last["latency_ns"] != 1000.0 || unsent["sent_ns"] != nil || len(last) != 10 {
		t.Error(last, unsent)
	}
}

// TestCohortsByName: what has no plain name, in a foreign record, keeps its number.
func TestCohortsByName(t *testing.T) {
	names := []string{"fresh", "stale-resolver", "=cmd|' /C calc'!A0", "", "a,b", "\x1b[2J"}
	for n, want := range []string{"fresh", "stale-resolver", "2", "3", "4", "5", "6"} {
		if got := cohort(names, uint8(n)); got != want {
			t.Errorf("cohort %d is called %q, want %q", n, got, want)
		}
	}
	if cohort(nil, 0) != "" || cohort(nil, 1) != "1" {
		t.Error("where no cohort is named, only one that should not be there has a number")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errDisk }

func TestExportersReturnErrors(t *testing.T) {
	h, samples := exported()
	bad := func(yield func(Sample, error) bool) { yield(Sample{}, ErrRecord) }
	if err := NewVegetaWriter(brokenWriter{}).Write(h, Names{}, Each(samples)); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	if err := WriteCSV(brokenWriter{}, h, Names{}, Each(samples)); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	if err := WriteNDJSON(brokenWriter{}, h, Names{}, Each(samples)); !errors.Is(err, errDisk) {
		t.Error(err)
	}
	var b bytes.Buffer
	if err := NewVegetaWriter(&b).Write(h, Names{}, bad); !errors.Is(err, ErrRecord) {
		t.Error(err)
	}
	if err := WriteCSV(&b, h, Names{}, bad); !errors.Is(err, ErrRecord) {
		t.Error(err)
	}
	if err := WriteNDJSON(&b, h, Names{}, bad); !errors.Is(err, ErrRecord) {
		t.Error(err)
	}
}

// An outcome that only a workload knows is called as the record calls it, by readers that have never heard of the workload.
func TestOutcomesByName(t *testing.T) {
	names := Names{Outcomes: []OutcomeCode{{200, "queue-full", ClassFailed}, {201, "=cmd|x", ClassFailed}}}
	h, samples := exported()
	for o, want := range map[Outcome]string{200: "queue-full", 201: "outcome-201", 202: "outcome-202", Timeout: "timeout"} {
		samples[0].Outcome, samples[0].Status = o, 0
		var table, lines bytes.Buffer
		if err := errors.Join(WriteCSV(&table, h, names, Each(samples)), WriteNDJSON(&lines, h, names, Each(samples))); err != nil {
			t.Fatal(err)
		}
		if r := vegetaResult("a", h, names, samples[0]); r.Error != want || !strings.Contains(table.String(), ","+want+",") || !strings.Contains(lines.String(), want) {
			t.Errorf("%d: %q, %s", o, r.Error, table.String())
		}
	}
}
