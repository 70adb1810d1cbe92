package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"blackstart/internal/figures"
	"blackstart/loadgen"
)

const (
	fastRate    = 8000 // per second
	fastRounds  = 3
	fastSeconds = 8
	connections = 64 // of vegeta and of wrk

	stallRate   = 400
	stallRounds = 3
	// Of vegeta and of wrk. Fewer than 1 % of the requests can be in flight, so vegeta's p99 misses the stall; wrk adds the
	// requests that it did not send to its distribution afterwards.
	stallWorkers = 32

	memoryRate    = 3000
	memoryTimeout = time.Second
	memoryBar     = 100 << 20 // bytes
)

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// cpu measures CPU per request and achieved ÷ intended at 8 000/s, HTTP/1.1
// with kept connections, in rounds that take turns; the medians count. wrk has no
// rate: it runs at its own, and its figure is shown beside ours, judged by none.
func (b *bench) cpu(ctx context.Context) ([]figures.Row, error) {
	length, rounds := seconds(fastSeconds), fastRounds
	if b.quick {
		length, rounds = seconds(2), 1
	}
	var ours, theirs, wrks, wrkRates, achieved []float64
	for range rounds {
		err := b.withServer(ctx, 0, 0, func(url string) error {
			rep, u, err := b.theirs(ctx, url, fastRate, length, "-max-workers", fmt.Sprint(connections))
			if err != nil {
				return err
			}
			theirs = append(theirs, micros(u.cpu, uint64(math.Round(float64(rep.Requests)*rep.Success))))
			w, u, err := b.wrk(ctx, url, connections, length)
			if err != nil {
				return err
			}
			wrks = append(wrks, micros(u.cpu, w.Good))
			wrkRates = append(wrkRates, float64(w.Good)/length.Seconds())
			res, u, err := b.ours(ctx, url, fastRate, length, 2*time.Second, filepath.Join(b.dir, "fast.bin"))
			if err != nil {
				return err
			}
			ours = append(ours, micros(u.cpu, res.OK))
			// Answers within the schedule's time: what came after it does not count.
			achieved = append(achieved, min(1, length.Seconds()/res.Seconds)*float64(res.OK)/float64(res.Due))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("measure CPU: %w", err)
		}
	}
	o, v, w, a := median(ours), median(theirs), median(wrks), median(achieved)
	return []figures.Row{{
		Name: "CPU per request against `vegeta attack -max-workers 64`, 8 000/s, keep-alive", Bar: "≤ 0.75 ×",
		Value: fmt.Sprintf("%.2f × (%.1f µs, vegeta %.1f µs)", o/v, o, v), Met: o/v <= 0.75,
		Raw: map[string]float64{"ours_us": o, "vegeta_us": v, "ratio": o / v, "rounds": float64(rounds)},
	}, {
		Name:  "CPU per request beside `wrk -t 1 -c 64`, keep-alive",
		Value: fmt.Sprintf("%.2f × (%.1f µs, wrk %.1f µs)", o/w, o, w),
		Raw:   map[string]float64{"ours_us": o, "wrk_us": w, "ratio": o / w, "wrk_per_s": median(wrkRates), "rounds": float64(rounds)},
		Remark: fmt.Sprintf("wrk is C and a closed loop: it has no rate (here %.0f/s), handles many answers at each wake-up, "+
			"and keeps no record of a request", median(wrkRates)),
	}, {
		Name: "achieved ÷ intended at 8 000/s", Bar: "≥ 0.99",
		Value: fmt.Sprintf("%.4f", a), Met: a >= 0.99, Raw: map[string]float64{"achieved": a},
	}}, nil
}

func micros(cpu time.Duration, n uint64) float64 {
	return float64(cpu.Microseconds()) / float64(max(n, 1))
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// withServer runs use against a server that stalls as told.
func (b *bench) withServer(ctx context.Context, after, length time.Duration, use func(url string) error) error {
	s, err := b.startServer(ctx, after, length)
	if err != nil {
		return err
	}
	err = use(s.URL)
	_, stopErr := s.stop()
	return errors.Join(err, stopErr)
}

// stall measures p99 over a run with a scripted stall of 2 s against the ideal:
// a request due within the stall is answered when it ends, any other at once.
// The round with the median ratio counts.
func (b *bench) stall(ctx context.Context) ([]figures.Row, error) {
	length, after, rounds := seconds(10), seconds(4), stallRounds
	if b.quick {
		length, after, rounds = seconds(4), seconds(1), 1
	}
	var all [][2]float64 // measured and ideal p99, ms
	for range rounds {
		m, i, err := b.stallOnce(ctx, length, after)
		if err != nil {
			return nil, fmt.Errorf("measure stall: %w", err)
		}
		all = append(all, [2]float64{float64(m) / 1e6, float64(i) / 1e6})
	}
	slices.SortFunc(all, func(a, b [2]float64) int { return cmp.Compare(a[0]/a[1], b[0]/b[1]) })
	m, i := all[len(all)/2][0], all[len(all)/2][1]
	vegetaMS, wrkMS, err := b.stallOthers(ctx, length, after)
	if err != nil {
		return nil, fmt.Errorf("measure stall: %w", err)
	}
	return []figures.Row{{
		Name: "p99 over a scripted 2 s stall, measured ÷ ideal", Bar: "1.00 ± 0.02",
		Value: fmt.Sprintf("%.3f (%.0f ms of %.0f ms)", m/i, m, i), Met: math.Abs(m/i-1) <= 0.02,
		Raw: map[string]float64{
			"measured_ms": m, "ideal_ms": i, "ratio": m / i, "vegeta_ms": vegetaMS, "wrk_ms": wrkMS, "rate": stallRate, "rounds": float64(rounds),
			"least_ratio": all[0][0] / all[0][1], "largest_ratio": all[len(all)-1][0] / all[len(all)-1][1],
		},
		Remark: fmt.Sprintf("at %d/s; on the same stall vegeta with -max-workers %d says %.0f ms, wrk with as many connections %.1f ms",
			stallRate, stallWorkers, vegetaMS, wrkMS),
	}}, nil
}

// stallOthers returns the p99 that vegeta and wrk see over the stall, in ms.
func (b *bench) stallOthers(ctx context.Context, length, after time.Duration) (vegeta, wrk float64, err error) {
	err = b.withServer(ctx, after, seconds(2), func(url string) error {
		rep, _, err := b.theirs(ctx, url, stallRate, length, "-max-workers", fmt.Sprint(stallWorkers))
		vegeta = float64(rep.Latencies.P99) / 1e6
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	err = b.withServer(ctx, after, seconds(2), func(url string) error {
		rep, _, err := b.wrk(ctx, url, stallWorkers, length)
		wrk = rep.P99.Seconds() * 1000
		return err
	})
	return vegeta, wrk, err
}

// stallOnce returns the measured and the ideal p99 in ns.
func (b *bench) stallOnce(ctx context.Context, length, after time.Duration) (measured, ideal int64, err error) {
	s, err := b.startServer(ctx, after, seconds(2))
	if err != nil {
		return 0, 0, err
	}
	file := filepath.Join(b.dir, "stall.bin")
	_, _, err = b.ours(ctx, s.URL, stallRate, length, seconds(4), file)
	span, stopErr := s.stop()
	if err := errors.Join(err, stopErr); err != nil {
		return 0, 0, err
	}
	h, samples, err := readSamples(file)
	if err != nil {
		return 0, 0, err
	}
	seen, wanted := make([]int64, len(samples)), make([]int64, len(samples))
	from, to := span.From-h.Anchor, span.To-h.Anchor
	for n, s := range samples {
		seen[n] = s.Latency()
		if s.Due >= from && s.Due < to {
			wanted[n] = to - s.Due
		}
	}
	return p99(seen), p99(wanted), nil
}

func p99(v []int64) int64 {
	v = slices.Sorted(slices.Values(v))
	return v[int(math.Ceil(float64(len(v))*0.99))-1]
}

func readSamples(path string) (loadgen.Header, []loadgen.Sample, error) {
	f, err := os.Open(path)
	if err != nil {
		return loadgen.Header{}, nil, err
	}
	defer f.Close()
	return loadgen.ReadSamples(f)
}

// memory measures peak memory in a 6 s stall at 3 000/s, ours with its default
// pool, vegeta's without a bound on its workers.
func (b *bench) memory(ctx context.Context) ([]figures.Row, error) {
	length, after, stall := seconds(10), seconds(2), seconds(6)
	if b.quick {
		length, after, stall = seconds(4), seconds(1), seconds(2)
	}
	var mine, theirs usage
	var res loadResult
	err := b.withServer(ctx, after, stall, func(url string) error {
		var err error
		res, mine, err = b.ours(ctx, url, memoryRate, length, memoryTimeout, filepath.Join(b.dir, "memory.bin"))
		return err
	})
	if err == nil {
		err = b.withServer(ctx, after, stall, func(url string) error {
			var err error
			_, theirs, err = b.theirs(ctx, url, memoryRate, length)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("measure memory: %w", err)
	}
	mb := func(n int64) float64 { return float64(n) / (1 << 20) }
	return []figures.Row{{
		Name: "peak memory, 6 s stall at 3 000/s", Bar: "< 100 MB",
		Value: fmt.Sprintf("%.0f MB (%d workers)", mb(mine.rss), res.PeakWorkers), Met: mine.rss < memoryBar,
		Raw: map[string]float64{
			"ours_mb": mb(mine.rss), "vegeta_mb": mb(theirs.rss), "workers": float64(res.PeakWorkers),
			"sent_share": float64(res.Sent) / float64(max(res.Due, 1)),
		},
		Remark: fmt.Sprintf("timeout %s, %.1f %% of the due requests sent; vegeta without -max-workers: %.0f MB",
			memoryTimeout, 100*float64(res.Sent)/float64(max(res.Due, 1)), mb(theirs.rss)),
	}}, nil
}
