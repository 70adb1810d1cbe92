package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/loadgen"
)

// salvageStreams describes the sample and ledger files of a killed run: whatever stands on disk, as not closed.
func salvageStreams(bag string, rec *harness.Record) ([]harness.Stream, error) {
	if len(rec.Streams) > 0 {
		return rec.Streams, nil // the load had ended: its streams are on record
	}
	var streams []harness.Stream
	for i, spec := range rec.Played().Load {
		var said *harness.Traits
		traits, ok := loads.Traits(spec)
		if ok {
			said = &traits
		}
		at, _ := harness.RolePlace(rec.Places, spec.Place)
		for _, kind := range []string{"samples", "ledger"} {
			name := "data/" + kind + "/" + spec.ID + ".bin"
			count, err := countRecords(filepath.Join(bag, filepath.FromSlash(name)), kind)
			if errors.Is(err, os.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			streams = append(streams, harness.Stream{ID: i + 1, Load: spec.ID, Kind: kind, File: name, Workload: spec.Workload,
				Place: at, Recorded: said, Cohorts: loads.CohortNames(traits), Freq: int(spec.Rate.PerSecond()), PerNS: int64(time.Second),
				TimeoutNS: int64(spec.Timeout), Count: count})
		}
	}
	return streams, nil
}

func countRecords(path, kind string) (int, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	size := int64(loadgen.SampleSize)
	if kind == "ledger" {
		size = loadgen.AttemptSize
	}
	return int(max(info.Size()-loadgen.HeaderSize, 0) / size), nil
}

// salvageProbes counts the answers that reached the disk, cuts off a torn last line and what is behind one that cannot be read,
// and lets each probe have run until the last of them.
func salvageProbes(bag string, rec *harness.Record) {
	for i := range rec.Probes {
		p := &rec.Probes[i]
		f, err := os.OpenFile(filepath.Join(bag, filepath.FromSlash(p.File)), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		n, end, last := 0, int64(0), max(p.Ran.Lo, p.Ran.Hi)
		for line, err := range harness.ObservationLines(f) {
			if err != nil {
				break
			}
			var answer struct{ At harness.Interval }
			if json.Unmarshal(line, &answer) == nil { // what cannot be read, verify complains of
				last = max(last, answer.At.Hi)
			}
			n, end = n+1, end+int64(len(line))
		}
		if errors.Join(f.Truncate(end), f.Close()) == nil {
			p.Count, p.Ran.Hi = n, last
		}
	}
}
