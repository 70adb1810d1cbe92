package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// findWrk returns wrk's version.
func findWrk(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "wrk", "--version").CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("wrk is not installed, and the table compares with it: apt-get install wrk")
	}
	// It prints its version and its usage, and exits 1.
	name, _, found := strings.Cut(string(out), " [")
	if !found || !strings.HasPrefix(name, "wrk ") {
		return "", fmt.Errorf("wrk --version says %q", out)
	}
	return name, nil
}

// wrkReport is what one run of wrk came to.
type wrkReport struct {
	Good uint64        // requests answered with 2xx or 3xx
	P99  time.Duration // over answers only, from when they were sent
}

// wrk runs wrk, one thread with some connections. It is a closed loop: it has no
// rate, a connection sends its next request when the last one is answered.
func (b *bench) wrk(ctx context.Context, url string, connections int, length time.Duration) (wrkReport, usage, error) {
	cmd := exec.CommandContext(ctx, "wrk", "--threads", "1", "--connections", fmt.Sprint(connections),
		"--duration", length.String(), "--timeout", "4s", "--latency", url)
	out, u, err := b.finish(cmd)
	if err != nil {
		return wrkReport{}, u, err
	}
	rep, err := readWrk(string(out))
	return rep, u, err
}

var (
	wrkTotal = regexp.MustCompile(`(?m)^\s+(\d+) requests in `)
	wrkP99   = regexp.MustCompile(`(?m)^\s+99%\s+([0-9.]+(?:us|ms|s|m|h))\s*$`)
	wrkBad   = regexp.MustCompile(`(?m)^\s+Non-2xx or 3xx responses: (\d+)\s*$`)
)

// readWrk reads what wrk prints with --latency.
func readWrk(text string) (wrkReport, error) {
	total, p99 := wrkTotal.FindStringSubmatch(text), wrkP99.FindStringSubmatch(text)
	if total == nil || p99 == nil {
		return wrkReport{}, fmt.Errorf("no total and 99th percentile in wrk's report:\n%s", text)
	}
	var rep wrkReport
	var err error
	if rep.Good, err = strconv.ParseUint(total[1], 10, 64); err != nil {
		return rep, fmt.Errorf("read wrk's report: %w", err)
	}
	if rep.P99, err = time.ParseDuration(p99[1]); err != nil {
		return rep, fmt.Errorf("read wrk's report: %w", err)
	}
	if bad := wrkBad.FindStringSubmatch(text); bad != nil {
		n, err := strconv.ParseUint(bad[1], 10, 64)
		if err != nil || n > rep.Good {
			return rep, fmt.Errorf("read wrk's report: %s of %d answers bad", bad[1], rep.Good)
		}
		rep.Good -= n
	}
	if rep.Good == 0 {
		return rep, fmt.Errorf("wrk had no good answer:\n%s", text)
	}
	return rep, nil
}
