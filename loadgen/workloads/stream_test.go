package workloads

import (
	"os"
	"path/filepath"
	"testing"

	"blackstart/loadgen"
)

func create(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func samplesOf(t *testing.T, f *os.File) []loadgen.Sample {
	t.Helper()
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	_, samples, err := loadgen.ReadSamples(f)
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

func TestStreamWritesItsSamples(t *testing.T) {
	r := newRegion(t, "east", nil)
	f := create(t, "s.bin")
	kind, _ := Workloads.Get("metronome")
	s, err := Start(t.Context(), kind.New(), Config{
		Clock: loadgen.NewClock(), Rate: 200, Slots: 40, Timeout: testTimeout, Stream: 5,
		Entry: Entry{Scheme: "http", Name: "127.0.0.1", Port: r.port},
	}, Files{Samples: f})
	if err != nil {
		t.Fatal(err)
	}
	stats, err := s.Wait()
	if err != nil || stats.OK != 40 || !stats.Closed || len(s.Errors()) != 0 {
		t.Fatalf("%+v, %v, %v", stats, err, s.Errors())
	}
	<-s.done
	if got := samplesOf(t, f); len(got) != 40 || got[0].Status != 200 || got[39].Cohort != uint8(Fresh) {
		t.Fatalf("%d samples, %+v", len(got), got[0])
	}
	if live := s.Live(); live.Total != 40 || live.Success != 1 {
		t.Errorf("%+v", live)
	}
	if r.accepted.Load() != 40 {
		t.Errorf("40 requests on %d connections", r.accepted.Load())
	}
}

// A server that is down from t1 to t2: the outage's edges, as the metronome
// sees them, hold the truth within the printed bound.
func TestOutageEdgesHoldTheTruth(t *testing.T) {
	const windows, rate = 3, 100
	for range windows {
		truth, samples := outage(t, rate)
		var lastOK, firstBad, lastBad, nextOK *loadgen.Sample
		for i := range samples {
			switch s := &samples[i]; {
			case s.Outcome != loadgen.OK:
				if firstBad == nil {
					firstBad = s
				}
				lastBad, nextOK = s, nil
			case firstBad == nil:
				lastOK = s
			case nextOK == nil:
				nextOK = s
			}
		}
		if lastOK == nil || firstBad == nil || nextOK == nil {
			t.Fatal("the outage was not seen")
		}
		if truth.down < lastOK.Sent || truth.down > firstBad.Done {
			t.Errorf("down at %d, seen within [%d, %d]", truth.down, lastOK.Sent, firstBad.Done)
		}
		if truth.up < lastBad.Sent || truth.up > nextOK.Done {
			t.Errorf("up at %d, seen within [%d, %d]", truth.up, lastBad.Sent, nextOK.Done)
		}
	}
}

type truth struct{ down, up int64 }

// outage runs a metronome against a server that resets every connection for a
// while, and returns when it did.
func outage(t *testing.T, rate int) (truth, []loadgen.Sample) {
	t.Helper()
	clock := loadgen.NewClock()
	r := newScriptedServer(t)
	f := create(t, "s.bin")
	s, err := Start(t.Context(), metronome{}, Config{
		Clock: clock, Rate: rate, Timeout: testTimeout,
		Entry: Entry{Scheme: "http", Name: "127.0.0.1", Port: r.port, Method: "GET", Path: "/health"},
	}, Files{Samples: f})
	if err != nil {
		t.Fatal(err)
	}
	var at truth
	r.hasSeen(t, 10)
	at.down = r.set(clock, true)
	r.hasSeen(t, 10)
	at.up = r.set(clock, false)
	r.hasSeen(t, 10)
	s.Stop()
	if _, err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	return at, samplesOf(t, f)
}
