package evidence_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// costly are packs in which every single file keeps to its limit, and whose content asks for more work or memory than a drill's.
var costly = []attack{
	{name: "costly-many-events", do: func(b *bag) {
		all := b.events()
		text := ""
		small := event{Kind: "x", At: all[1].At, Text: &text}
		events := append([]event{}, all[:len(all)-2]...)
		for range 50_000 {
			events = append(events, small)
		}
		b.setEvents(append(events, all[len(all)-2:]...))
	}, signed: true},
	{name: "costly-event-line", do: func(b *bag) { b.longEvent(seal.MaxEventBytes + 1) }, names: []string{eventsFile}},
	{name: "costly-event-deep", do: func(b *bag) {
		log := b.get(eventsFile)
		deep := strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000)
		b.put(eventsFile, bytes.Replace(log, []byte(`"detail":{}`), []byte(`"detail":`+deep), 1))
	}, names: []string{eventsFile, seal.CheckpointDir}},
	{name: "costly-load-checkpoints", do: (*bag).manyCheckpoints, signed: true},
	{name: "costly-audit-lines", do: func(b *bag) { b.put(audit, append(b.get(audit), bytes.Repeat([]byte("\n"), 31<<20)...)) }, signed: true, fits: true},
	{name: "costly-audit-line", do: func(b *bag) { b.put(audit, bytes.Repeat([]byte("["), 31<<20)) }, signed: true},
	{name: "costly-undo-lines", do: func(b *bag) { b.put(undoLog, append(b.get(undoLog), bytes.Repeat([]byte("\n"), 8<<20)...)) }, signed: true, fits: true},
	{name: "costly-wal", do: func(b *bag) { b.put("data/ledger/wal.jsonl", bytes.Repeat([]byte("\n"), 8<<20)) }, signed: true},
	{name: "costly-answers", do: func(b *bag) {
		b.put("data/observations/answers.known-entry.jsonl", bytes.Repeat([]byte("{}\n"), 2<<20))
	}, signed: true},
	{name: "costly-record-values", do: func(b *bag) {
		b.replace(recordFile, `"clock": [`, `"clock": [`+strings.Repeat(`{"a":{}},`, 60_000))
	}, signed: true, names: []string{recordFile}},
	{name: "costly-record-deep", do: func(b *bag) {
		b.put(recordFile, []byte(strings.Repeat("[", 2<<20)+strings.Repeat("]", 2<<20-8)+"\n"))
	}, names: []string{recordFile}},
	{name: "costly-objectives", do: func(b *bag) {
		r := b.record()
		for n := range 3000 {
			o := r.Scenario.Objectives[0]
			o.ID = fmt.Sprint("o", n)
			r.Scenario.Objectives = append(r.Scenario.Objectives, o)
		}
		b.setRecord(r)
	}, signed: true},
	{name: "costly-loads", do: func(b *bag) {
		r := b.record()
		for n := range 3000 {
			l := r.Scenario.Load[0]
			l.ID = fmt.Sprint("l", n)
			r.Scenario.Load = append(r.Scenario.Load, l)
		}
		b.setRecord(r)
	}, signed: true},
	{name: "costly-faults", do: func(b *bag) {
		r := b.record()
		for range 500 {
			r.Faults = append(r.Faults, r.Faults[0])
		}
		b.setRecord(r)
	}, signed: true},
	{name: "costly-arrivals", do: func(b *bag) {
		r := b.record()
		for range 8000 {
			r.Arrivals = append(r.Arrivals, r.Arrivals[0])
		}
		b.setRecord(r)
	}, signed: true},
	{name: "costly-acts", do: func(b *bag) {
		r := b.record()
		for range 10_000 {
			r.Acts = append(r.Acts, r.Acts[0])
		}
		b.setRecord(r)
	}, signed: true},
	{name: "costly-copies", do: func(b *bag) {
		r := b.record()
		for range 3000 {
			r.Ledger.Copies = append(r.Ledger.Copies, r.Ledger.Copies[0])
		}
		b.setRecord(r)
	}, signed: true},
	{name: "costly-schedule", do: func(b *bag) {
		r := b.record()
		for n := range r.Streams {
			r.Streams[n].Freq, r.Streams[n].PerNS, r.Streams[n].StopNS = 1_000_000, 1, 1<<52
		}
		b.setRecord(r)
	}, signed: true},
	{name: "costly-observation-span", do: func(b *bag) {
		r := b.record()
		r.Observation = harness.Interval{Lo: 1, Hi: 1 << 52}
		b.setRecord(r)
	}, signed: true},
	{name: "costly-scenario-files", do: func(b *bag) {
		b.put(scenario, append(b.get(scenario), strings.Repeat("# x\n", 8<<20-9000)...))
		b.inputsAnew(func(b *bag) {
			one := regexp.MustCompile(`(?s)\{[^{}]*as-run/scenario\.yaml[^{}]*\}`).Find(b.files[inputsFile])
			b.replace(inputsFile, string(one), string(one)+strings.Repeat(","+string(one), 10_000))
		})
	}, signed: true},
	{name: "costly-reports", do: func(b *bag) {
		b.inputsAnew(func(b *bag) {
			one := regexp.MustCompile(`(?s)\{[^{}]*report-icfr\.pdf[^{}]*\}`).Find(b.files[inputsFile])
			b.replace(inputsFile, string(one), string(one)+strings.Repeat(","+string(one), 10_000))
		})
	}, signed: true},
	{name: "costly-trees", do: func(b *bag) {
		leaf := strings.Repeat("0", 64) + "\n"
		for _, name := range b.names("data/", seal.TreeExt) {
			b.put(name, []byte("blackstart.tree/1 header=1 record=1 leaves=510000 root=x\n"+strings.Repeat(leaf, 510_000)))
		}
	}},
	{name: "costly-tree-records", do: func(b *bag) {
		for _, name := range b.names("data/", seal.TreeExt) {
			tree, err := seal.TreeRoot(b.t.Context(), bytes.NewReader(make([]byte, seal.MaxHeaderLen)), seal.MaxHeaderLen, seal.MaxRecordLen)
			must(b.t, err)
			b.put(name, tree.Bytes())
		}
	}},
	{name: "costly-svg-attributes", do: func(b *bag) {
		b.put("data/plots/latency.svg", []byte("<svg "+strings.Repeat(`a="" `, 1_500_000)+"/>"))
	}, names: []string{"data/plots/latency.svg"}},
	{name: "costly-svg-spaces", do: func(b *bag) {
		var s strings.Builder
		s.WriteString("<svg ")
		for n := range 500_000 {
			fmt.Fprintf(&s, `xmlns:a%x="u" `, n)
		}
		b.put("data/plots/latency.svg", []byte(s.String()+"/>"))
	}, names: []string{"data/plots/latency.svg"}},
	{name: "costly-svg-comment", do: func(b *bag) {
		b.replace("data/plots/latency.svg", "</svg>", strings.Repeat("<!---->", 1_000_000)+"</svg>")
	}},
	{name: "costly-findings", do: func(b *bag) { b.put(findingsFile, []byte("["+strings.Repeat(`{"a":{}},`, 60_000)+"{}]\n")) }, names: []string{findingsFile}},
	{name: "costly-controls", do: func(b *bag) {
		b.replace(controlsFile, `"controls": [`, `"controls": [`+strings.Repeat("{},", 130_000))
	}, names: []string{controlsFile}},
	{name: "costly-plan", do: func(b *bag) { b.put(planFile, []byte("["+strings.Repeat("{},", 130_000)+"{}]\n")) }, names: []string{planFile, inputsFile}},
	{name: "costly-notes", do: func(b *bag) {
		for n := range seal.MaxEntries - seal.MaxFiles {
			b.put(fmt.Sprintf("%sx%05d.note", seal.CheckpointDir, n), b.get(endNote))
		}
	}, names: []string{seal.CheckpointDir}},
	{name: "costly-report-tokens", do: func(b *bag) { b.put(reportFile, costlyPDF(strings.Repeat("[", 15<<20))) }, names: []string{reportFile}},
	{name: "costly-report-array", do: func(b *bag) { b.put(reportFile, costlyPDF("["+strings.Repeat("1 ", 7<<20)+"]")) }, names: []string{reportFile}},
	{name: "costly-report-references", do: func(b *bag) {
		var s strings.Builder
		s.WriteString("xref\n0 700000\n")
		for range 700_000 {
			s.WriteString("0000000000 00000 n \n")
		}
		b.put(reportFile, []byte("%PDF-1.7\n"+s.String()+"trailer\n<</Size 700000/Root 1 0 R>>\nstartxref\n9\n%%EOF\n"))
	}, names: []string{reportFile}},
	{name: "costly-labels", do: unchanged, hand: &byHand{tags: map[string]func([]byte) []byte{seal.BagInfoFile: manyLabels}}, names: []string{seal.BagInfoFile}},
	{name: "costly-tag-manifest", do: unchanged, hand: &byHand{tags: map[string]func([]byte) []byte{seal.TagManifestFile: func([]byte) []byte {
		return bytes.Repeat([]byte(strings.Repeat("0", 64)+"  data/x\n"), 400_000)
	}}}, names: []string{seal.TagManifestFile}},
	{name: "costly-manifest-line", do: unchanged, hand: &byHand{manifest: func([]byte) []byte { return bytes.Repeat([]byte("x"), 31<<20) }},
		names: []string{seal.ManifestFile}},
	{name: "costly-entries", do: unchanged, hand: &byHand{entries: func(all []zipped) []zipped {
		for n := range 65_535 - len(all) {
			all = append(all, zipped{name: fmt.Sprintf("region-partition/data/%05d", n)})
		}
		return all
	}}},
}

// costlyPDF is a PDF whose root is this object.
func costlyPDF(object string) []byte {
	body := "%PDF-1.7\n1 0 obj\n" + object + "\nendobj\n"
	return fmt.Appendf(nil, "%sxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<</Size 2/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", body, len(body))
}

// longEvent makes an event whose line has this many bytes.
func (b *bag) longEvent(size int) {
	events := b.events()
	n := b.at(events, "steady.held")
	text := strings.Repeat("x", size)
	events[n].Text = &text
	b.setEvents(events)
}

// manyCheckpoints fills the log with checkpoints of as many files as one may name.
func (b *bag) manyCheckpoints() {
	events := b.events()
	n := b.at(events, "load.checkpoint")
	one := events[n]
	one.Detail = map[string]string{}
	for f := range 64 {
		one.Detail[fmt.Sprintf("f%d", f)] = "records=0 waiting=0 root=x"
	}
	var more []event
	for range 8000 {
		more = append(more, one)
	}
	b.setEvents(append(append(append([]event{}, events[:n]...), more...), events[n:]...))
}
