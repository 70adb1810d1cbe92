package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"blackstart/internal/figures"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

const (
	windows  = 50
	edgeSeed = 20260101
)

// edgeBars are the probe rates, per second, with the error that nine of ten edges must stay below, in ms. Half the interval
// is the limit of any method; at 1 000/s what the machine takes to answer is as long as the interval, so the bar is all of it.
var edgeBars = []struct {
	rate int
	name string
	bar  float64
}{{100, "100", 5}, {1000, "1 000", 1}}

// edges measures how well a metronome times the two edges of an outage, at each
// of its rates.
func (b *bench) edges(ctx context.Context) ([]figures.Row, error) {
	var rows []figures.Row
	for _, e := range edgeBars {
		r, err := b.edgesAt(ctx, e.rate, e.bar)
		if err != nil {
			return nil, fmt.Errorf("measure edges: %w", err)
		}
		r.Name = fmt.Sprintf("outage-edge error at %s probes/s", e.name)
		rows = append(rows, r)
	}
	return rows, nil
}

// edgesAt measures the distance of the best guess from the truth, and whether
// the truth lies inside the interval.
func (b *bench) edgesAt(ctx context.Context, rate int, bar float64) (figures.Row, error) {
	n := windows
	if b.quick {
		n = 5
	}
	random := rand.New(rand.NewPCG(edgeSeed, 0))
	inside := 0
	var errs, widths []float64
	for i := range n {
		w, err := outage(ctx, filepath.Join(b.dir, fmt.Sprintf("edge-%d-%d.bin", rate, i)), rate, random)
		if err != nil {
			return figures.Row{}, err
		}
		held := true
		for _, e := range w {
			held = held && e.truth >= e.lo && e.truth <= e.hi
			errs = append(errs, math.Abs(float64(e.guess-e.truth))/1e6)
			widths = append(widths, float64(e.hi-e.lo)/1e6)
		}
		if held {
			inside++
		}
	}
	if b.quick && inside < n { // a bound is right on the busiest machine: no run is too short to judge it
		return figures.Row{}, fmt.Errorf("at %d probes/s the truth lay outside the bound in %d of %d windows", rate, n-inside, n)
	}
	worst, width := quantile(errs, 1), quantile(widths, 1)
	p90, p95 := quantile(errs, 0.9), quantile(errs, 0.95)
	return figures.Row{
		Bar:   fmt.Sprintf("≤ %g ms (90 %% of edges), truth inside the bound in every window", bar),
		Value: fmt.Sprintf("%.1f ms (worst %.1f), inside in %d of %d", p90, worst, inside, n), Met: p90 <= bar && inside == n,
		Raw: map[string]float64{
			"p50_ms": quantile(errs, 0.5), "p90_ms": p90, "p95_ms": p95, "worst_ms": worst, "widest_bound_ms": width,
			"windows": float64(n), "inside": float64(inside), "seed": edgeSeed,
		},
		Remark: fmt.Sprintf("half the interval is the limit of any method: (1/rate + response time)/2; widest interval %.1f ms", width),
	}, nil
}

func quantile(v []float64, q float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[max(int(math.Ceil(float64(len(s))*q))-1, 0)]
}

// edge is one edge of an outage: the interval seen, its best guess (halfway
// between the two probes' own middles), and the truth.
type edge struct{ lo, hi, guess, truth int64 }

func middle(a, b *loadgen.Sample) int64 { return (a.Sent + a.Done + b.Sent + b.Done) / 4 }

// flagServer is a server that answers 503 while it is down.
type flagServer struct {
	mu   sync.Mutex
	down bool
}

func (f *flagServer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok")
}

func (f *flagServer) set(clock loadgen.Clock, down bool) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
	return clock.Now()
}

// outage runs one window: up, down for a random time, up again.
func outage(ctx context.Context, path string, rate int, random *rand.Rand) ([2]edge, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return [2]edge{}, err
	}
	script := &flagServer{}
	srv := &http.Server{Handler: script}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	defer func() { _, _ = srv.Close(), <-served }()

	f, err := os.Create(path)
	if err != nil {
		return [2]edge{}, err
	}
	defer f.Close()
	clock := loadgen.NewClock()
	kind, _ := workloads.Workloads.Get("metronome")
	r, err := workloads.Start(ctx, kind.New(), workloads.Config{
		Clock: clock, Rate: rate, Timeout: time.Second,
		Entry: workloads.Entry{
			Scheme: "http", Name: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Method: "GET", Path: "/",
		},
	}, workloads.Files{Samples: f})
	if err != nil {
		return [2]edge{}, err
	}
	pause := func() { time.Sleep(250*time.Millisecond + time.Duration(random.IntN(int(20*time.Millisecond)))) }
	pause()
	down := script.set(clock, true)
	pause()
	up := script.set(clock, false)
	pause()
	r.Stop()
	if _, err := r.Wait(); err != nil {
		return [2]edge{}, err
	}
	return findEdges(path, down, up)
}

// outcomes lists the outcomes in order, runs of one as its name and length.
func outcomes(samples []loadgen.Sample) string {
	var b strings.Builder
	for i := 0; i < len(samples); {
		n := i
		for n < len(samples) && samples[n].Outcome == samples[i].Outcome {
			n++
		}
		fmt.Fprintf(&b, "%s×%d ", samples[i].Outcome, n-i)
		i = n
	}
	return b.String()
}

// findEdges reads the intervals as the RTO's definition has them: the start
// between the sending of the last good probe and the end of the first bad one,
// the end between the due time of the last bad probe and the next good answer.
func findEdges(path string, down, up int64) ([2]edge, error) {
	_, samples, err := readSamples(path)
	if err != nil {
		return [2]edge{}, err
	}
	var lastGood, firstBad, lastBad, nextGood *loadgen.Sample
	for i := range samples {
		switch s := &samples[i]; {
		case s.Outcome != loadgen.OK:
			if firstBad == nil {
				firstBad = s
			}
			lastBad, nextGood = s, nil
		case firstBad == nil:
			lastGood = s
		case nextGood == nil:
			nextGood = s
		}
	}
	if lastGood == nil || firstBad == nil || nextGood == nil {
		return [2]edge{}, fmt.Errorf("the outage was not seen from before its start to after its end in %d samples: %s",
			len(samples), outcomes(samples))
	}
	return [2]edge{
		{lastGood.Sent, firstBad.Done, middle(lastGood, firstBad), down},
		{lastBad.Due, nextGood.Done, middle(lastBad, nextGood), up},
	}, nil
}
