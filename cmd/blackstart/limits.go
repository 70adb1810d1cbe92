package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/target"
)

// limited refuses the loads of a scenario that may want more than the target's file lets each load have, where the drill lasts as long
// as it may.
func limited(about harness.Description, all []harness.LoadSpec, lasts time.Duration) (refused []harness.Refusal) {
	to := about.LoadLimits
	if to == nil {
		return nil
	}
	for i, l := range all {
		wants, ok := loads.WantedOf(l, lasts)
		if !ok {
			continue
		}
		refuse := func(key, format string, args ...any) {
			refused = append(refused, harness.Refusal{At: []any{"load", i, key}, Err: fmt.Errorf("load "+l.ID+" "+format, args...)})
		}
		if to.Rate.Count > 0 && float64(wants.Rate) > to.Rate.PerSecond() {
			refuse("rate", "is due %s, and limits.loads of target %s allow %s: write a rate that is no higher", l.Rate, about.Name, to.Rate)
		}
		if to.Connections > 0 && wants.Connections > to.Connections {
			refuse("rate", "may have %d connections at a time, where nothing is answered within %s, and limits.loads of target %s allow %d: write a lower rate or a shorter timeout",
				wants.Connections, l.Timeout, about.Name, to.Connections)
		}
		if to.Rows > 0 && wants.Rows > to.Rows {
			refuse("rate", "may write %d times in the %s that the drill may last, and limits.loads of target %s allow %d: write a lower rate, or a shorter drill",
				wants.Rows, lasts.Round(time.Second), about.Name, to.Rows)
		}
		switch {
		case to.Bytes == 0:
		case !wants.Sized:
			refuse("workload", "writes, and limits.loads of target %s allow %s: how much one write of %s is, is not known: take another workload", about.Name, to.Bytes, l.Workload)
		case wants.Bytes > to.Bytes:
			refuse("rate", "may write %s, %d times, in the %s that the drill may last, and limits.loads of target %s allow %s: write a lower rate, less at a time, or a shorter drill",
				wants.Bytes, wants.Rows, lasts.Round(time.Second), about.Name, to.Bytes)
		}
	}
	return refused
}

// elsewhere refuses a load whose own requests say that they lead elsewhere than to the entry of the target.
func elsewhere(about harness.Description, i int, l harness.LoadSpec) (refused []harness.Refusal) {
	u, err := url.Parse(about.Entry.URL)
	if err != nil || about.Entry.URL == "" {
		return nil // there is none, which is refused by itself
	}
	entry := u.Scheme + "://" + net.JoinHostPort(strings.TrimSuffix(u.Hostname(), "."), target.PortOf(u))
	for _, host := range loads.Hosts(l) {
		if host != entry {
			refused = append(refused, harness.Refusal{At: []any{"load", i, "with", harness.BesideKey}, Err: fmt.Errorf("load %s asks %s by %s, and clients of target %s ask %s: write that",
				l.ID, host, l.BesideName(), about.Name, entry)})
		}
	}
	return refused
}
