package evidence_test

import (
	"bytes"
	"slices"
	"strings"

	"blackstart/evidence/seal"
)

const (
	heartbeat  = "data/observations/replication.heartbeat-west.db.jsonl"
	audit      = "data/as-run/logs/outside.controller.audit.jsonl"
	undoLog    = "data/as-run/undo.jsonl"
	formats    = "data/as-run/formats.md"
	scenario   = "data/as-run/scenario.yaml"
	targetFile = "data/as-run/target.json"
	planFile   = "data/as-run/plan.json"
)

func inputsAttacks() (list []attack) {
	fields := map[string][2]string{
		"scenario-name": {`"scenario_name": "`, `"scenario_name": "x`}, "profile": {`"profile": "fast"`, `"profile": ""`},
		"executor":    {`"executor": "`, `"executor": "x`},
		"environment": {`"environment": "rehearsal"`, `"environment": "production"`},
		"register":    {`"register": ""`, `"register": "1"`}, "amends": {`"amends": ""`, `"amends": "1"`},
		"policy": {`"seal_policy": []`, `"seal_policy": ["approver"]`}, "approvals": {`"approvals": []`, `"approvals": ["chief"]`},
		"overrides": {`"overrides": {}`, `"overrides": {"observe": "1s"}`}, "format": {`blackstart.pack/2`, `blackstart.pack/3`},
		"tool-version": {`"tool_version": "`, `"tool_version": "x`}, "checkpoint-fault": {"  \"fault\",\n", ""},
		"layout": {`"layout": "`, `"layout": "x`}, "facts": {`"facts": "facts/1"`, `"facts": "facts/2"`},
		"unknown-key": {"{\n", "{\n \"note\": \"\",\n"}, "key-twice": {`"amends": ""`, `"amends": "", "amends": ""`},
		"key-case": {`"amends": ""`, `"Amends": ""`}, "float": {`"amends": ""`, `"amends": 1.0`},
	}
	for name, f := range fields {
		do := func(b *bag) { b.replace(inputsFile, f[0], f[1]) }
		list = append(list,
			attack{name: "inputs-" + name, do: do, names: []string{inputsFile, eventsFile}},
			attack{name: "inputs-" + name + "-told", do: func(b *bag) { b.inputsAnew(do) }, told: true, names: []string{inputsFile, seal.CheckpointDir}},
			attack{name: "inputs-" + name + "-signed", do: func(b *bag) { b.inputsAnew(do) }, signed: true, names: []string{"data/"}})
	}
	for name, file := range map[string]string{"scenario": scenario, "target": targetFile, "plan": planFile} {
		list = append(list,
			attack{name: "asked-" + name + "-changed", do: func(b *bag) { b.put(file, append(b.get(file), '\n')) }, names: []string{file}},
			attack{name: "asked-" + name + "-removed", do: func(b *bag) { b.remove(file) }, names: []string{file}})
	}
	const described = "data/as-run/target.yaml"
	claims := func(sha string) func(b *bag) {
		return func(b *bag) {
			b.put(described, []byte("kind: Target\n"))
			b.inputsAnew(func(b *bag) {
				b.replace(inputsFile, `"plan_sha256"`, `"target_file": {"name": "t.yaml", "file": "`+described+`", "sha256": "`+sha+`"}, "plan_sha256"`)
			})
		}
	}
	return append(list,
		attack{name: "target-file-of-nobody-signed", do: func(b *bag) { b.put(described, []byte("kind: Target\n")) }, signed: true, names: []string{described}},
		attack{name: "target-file-of-another-signed", do: claims(seal.Digest([]byte("kind: Other\n"))), signed: true, names: []string{described}},
		attack{name: "inputs-removed", do: func(b *bag) { b.remove(inputsFile) }, names: []string{inputsFile}},
		attack{name: "run-key-replaced", do: func(b *bag) {
			key, err := seal.NewRunKey("blackstart/" + b.record().RunID)
			must(b.t, err)
			b.inputsAnew(func(b *bag) {
				data := b.get(inputsFile)
				at := bytes.Index(data, []byte(`"run_key": "`)) + len(`"run_key": "`)
				end := at + bytes.IndexByte(data[at:], '"')
				b.put(inputsFile, slices.Concat(data[:at], []byte(key.Verifier()), data[end:]))
			})
		}, told: true, names: []string{seal.CheckpointDir}},
		attack{name: "asked-objective-loosened-signed", do: func(b *bag) {
			was := seal.Digest(b.files[scenario])
			b.put(scenario, bytes.ReplaceAll(b.get(scenario), []byte("15s"), []byte("16s")))
			b.inputsAnew(func(b *bag) { b.replace(inputsFile, was, seal.Digest(b.files[scenario])) })
		}, signed: true, names: []string{"data/"}})
}

// inputsAnew changes inputs.json and makes what names its digest anew.
func (b *bag) inputsAnew(do func(b *bag)) {
	was := seal.Digest(b.files[inputsFile])
	do(b)
	is := seal.Digest(b.files[inputsFile])
	b.replace(recordFile, was, is)
	b.put(eventsFile, bytes.ReplaceAll(b.get(eventsFile), []byte(was), []byte(is)))
}

func fileAttacks() (list []attack) {
	ways := map[string]func(data []byte) []byte{
		"emptied":       func([]byte) []byte { return nil },
		"byte-added":    func(d []byte) []byte { return append(d, ' ') },
		"line-removed":  func(d []byte) []byte { return slices.Concat(slices.Delete(lines(d), 1, 2)...) },
		"lines-swapped": func(d []byte) []byte { l := lines(d); l[0], l[1] = l[1], l[0]; return slices.Concat(l...) },
		"line-changed":  func(d []byte) []byte { return bytes.Replace(d, []byte("0"), []byte("1"), 1) },
		"crlf":          func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\n"), []byte("\r\n")) },
		"no-newline":    func(d []byte) []byte { return d[:len(d)-1] },
	}
	for short, file := range map[string]string{"observation": heartbeat, "audit": audit, "undo-log": undoLog, "formats": formats,
		"log": "data/as-run/logs/west.db.log", "answers": "data/observations/answers.known-entry.jsonl"} {
		for way, do := range ways {
			if way != "line-changed" {
				list = append(list, both(short+"-"+way, file, func(b *bag) { b.put(file, do(b.get(file))) })[0])
				continue
			}
			list = append(list, both(short+"-"+way, file, func(b *bag) { b.put(file, do(b.get(file))) })...)
		}
		list = append(list,
			attack{name: short + "-removed", do: func(b *bag) { b.remove(file) }, names: []string{file}},
			attack{name: short + "-renamed", do: func(b *bag) {
				data := b.get(file)
				b.remove(file)
				b.put(strings.Replace(file, ".", "2.", 1), data)
			}, names: []string{file, strings.Replace(file, ".", "2.", 1)}},
			attack{name: short + "-removed-with-its-event-signed", do: func(b *bag) {
				b.remove(file)
				b.setEvents(slices.DeleteFunc(b.events(), func(e event) bool { return e.Kind == "file.closed" && e.Detail["file"] == file }))
			}, signed: true, names: []string{"data/"}})
	}
	for _, name := range []string{"data/extra.txt", "data/samples/extra.bin", "data/ledger/extra.bin.tree", "data/observations/extra.jsonl",
		"data/plots/extra.svg", "data/plots/extra.csv", "data/as-run/extra.json", "data/as-run/logs/extra.log", "data/as-run/extends/1.yaml", "data/report-extra.pdf",
		"data/checkpoints/extra.note", "data/checkpoints/extra.txt", "data/events.torn", "data/approvals/1.json", "data/as-run/logs/.hidden"} {
		list = append(list, attack{name: "extra-" + strings.NewReplacer("/", "-", ".", "-").Replace(name), do: func(b *bag) {
			b.put(name, []byte("{}\n"))
		}, names: []string{name}})
	}
	for short, files := range map[string][2]string{"observations": {heartbeat, "data/observations/replication.lag-west.db.jsonl"},
		"logs": {"data/as-run/logs/west.db.log", "data/as-run/logs/east.db.log"}, "reports": {"data/report-icfr.pdf", "data/report-finra-4370.pdf"},
		"plots": {"data/plots/latency.csv", "data/plots/success.csv"}, "charts": {"data/plots/latency.svg", "data/plots/success.svg"},
		"asked": {targetFile, planFile}, "judged": {"data/findings.json", "data/controls.json"}} {
		list = append(list, attack{name: "exchanged-" + short, do: func(b *bag) { b.swap(files[0], files[1]) }, names: files[:]})
	}
	return list
}
