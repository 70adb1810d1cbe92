package evidence_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"blackstart/evidence"
	"blackstart/evidence/register"
	"blackstart/evidence/seal"
)

// eventKinds are those of a drill with a partition; every one is changed, removed, doubled and moved.
var eventKinds = []string{"log.opened", "act.started", "act.ended", "target.progress", "target.ready", "fault.planned", "load.started", "steady.held",
	"undo.logged", "fault.done", "fault.in-force", "load.checkpoint", "alert.received", "load.stopped", "primary.fenced", "fault.undone",
	"fault.restored", "undo.complete", "stream.closed", "file.closed", "record.closed"}

// at is the number of the last event of a kind.
func (b *bag) at(events []event, kind string) int {
	b.t.Helper()
	for n := len(events) - 1; n >= 0; n-- {
		if events[n].Kind == kind {
			return n
		}
	}
	b.t.Fatalf("no event of kind %s", kind)
	return 0
}

// eventChange is one way to forge one event.
var eventChanges = map[string]func(events []event, n int) []event{
	"text": func(e []event, n int) []event {
		text := *e[n].Text + " "
		e[n].Text = &text
		return e
	},
	"time": func(e []event, n int) []event {
		e[n].At = bytes.Replace(e[n].At, []byte(`Z"`), []byte(`1Z"`), 1)
		e[n].At = append(slices.Clone(e[n].At[:25]), e[n].At[26:]...)
		return e
	},
	"removed": func(e []event, n int) []event { return slices.Delete(e, n, n+1) },
	"doubled": func(e []event, n int) []event { return slices.Insert(e, n, e[n]) },
	"moved": func(e []event, n int) []event {
		if n == 0 {
			e[0], e[1] = e[1], e[0]
			return e
		}
		e[n], e[n-1] = e[n-1], e[n]
		return e
	},
}

func eventAttacks() (list []attack) {
	for _, kind := range eventKinds {
		for how, change := range eventChanges {
			if how != "text" && how != "removed" && !strings.HasPrefix(kind, "fault.") {
				continue // the chain is the same for all kinds
			}
			list = append(list, attack{name: "event-" + strings.ReplaceAll(kind, ".", "-") + "-" + how, do: func(b *bag) {
				events := b.events()
				b.setEvents(change(events, b.at(events, kind)))
			}, names: []string{eventsFile, seal.CheckpointDir}})
		}
	}
	// With a new run key the checkpoints hold, and only what the events and the other files tell of each other is left.
	for _, kind := range []string{"log.opened", "steady.held", "fault.done", "fault.in-force", "alert.received", "fault.undone", "fault.restored",
		"undo.complete", "stream.closed", "file.closed", "record.closed", "load.checkpoint", "primary.fenced", "load.started"} {
		list = append(list, attack{name: "event-" + strings.ReplaceAll(kind, ".", "-") + "-removed-signed", do: func(b *bag) {
			events := b.events()
			n := b.at(events, kind)
			b.setEvents(slices.Delete(events, n, n+1))
		}, signed: true, names: []string{eventsFile, recordFile, "data/"}})
	}
	log := map[string]func(log []byte) []byte{
		"no-final-newline": func(l []byte) []byte { return l[:len(l)-1] },
		"crlf":             func(l []byte) []byte { return bytes.ReplaceAll(l, []byte("\n"), []byte("\r\n")) },
		"blank-line":       func(l []byte) []byte { return append(l, '\n') },
		"open-ended":       func(l []byte) []byte { return slices.Concat(lines(l)[:len(lines(l))-1]...) },
		"emptied":          func([]byte) []byte { return nil },
		"bare-change":      func(l []byte) []byte { return bytes.Replace(l, []byte(`"kind":"setup"`), []byte(`"kind":"setuq"`), 1) },
		"nul":              func(l []byte) []byte { return append(l, 0) },
		"after-the-end":    func(l []byte) []byte { return append(l, lines(l)[3]...) },
		"long-line":        func(l []byte) []byte { return append(l, append(bytes.Repeat([]byte("x"), 70<<10), '\n')...) },
	}
	for name, do := range log {
		list = append(list, attack{name: "event-log-" + name, do: func(b *bag) { b.put(eventsFile, do(b.get(eventsFile))) },
			names: []string{eventsFile}})
	}
	return append(list, attack{name: "event-log-removed", do: func(b *bag) { b.remove(eventsFile) }, names: []string{eventsFile}},
		attack{name: "event-register-of-the-forger-signed", do: func(b *bag) {
			events := b.events()
			opened, text := events[1], "opened in the register as entry 0"
			opened.Kind, opened.Text, opened.Detail = "register.opened", &text, openedBy(b)
			b.setEvents(slices.Insert(events, 1, opened))
		}, signed: true, names: []string{eventsFile}})
}

// openedBy opens the run afterwards, in a register that the forger has made: the inputs name none.
func openedBy(b *bag) map[string]string {
	key, err := register.NewKey("example.org/drills", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	must(b.t, err)
	dir, err := register.MakeDir(b.t.TempDir())
	must(b.t, err)
	must(b.t, register.Init(b.t.Context(), dir, key))
	l, err := register.Open(b.t.Context(), dir)
	must(b.t, err)
	var in evidence.Inputs
	must(b.t, json.Unmarshal(b.get(inputsFile), &in))
	body := evidence.OpenedEntry(in, seal.Digest(b.get(inputsFile)), b.record().Scenario, evidence.NewRedactor())
	o, err := l.Append(b.t.Context(), key, in.Executor, time.Now(), register.KindOpened, body)
	must(b.t, err)
	return o.Detail()
}

func checkpointAttacks() (list []attack) {
	for _, name := range []string{"start", "fault", "load-0001", "load-0002", "end"} {
		note := seal.CheckpointDir + name + seal.CheckpointExt
		list = append(list,
			attack{name: "checkpoint-" + name + "-removed", do: func(b *bag) { b.remove(note) }, names: []string{note, eventsFile, seal.CheckpointDir}},
			attack{name: "checkpoint-" + name + "-renamed", do: func(b *bag) {
				data := b.get(note)
				b.remove(note)
				b.put(seal.CheckpointDir+"other.note", data)
			}, names: []string{note, seal.CheckpointDir}},
			attack{name: "checkpoint-" + name + "-doubled", do: func(b *bag) { b.put(seal.CheckpointDir+name+"-2.note", b.get(note)) },
				names: []string{seal.CheckpointDir}},
			attack{name: "checkpoint-" + name + "-emptied", do: func(b *bag) { b.put(note, nil) }, names: []string{note}},
			attack{name: "checkpoint-" + name + "-trailing", do: func(b *bag) { b.put(note, append(b.get(note), '\n')) }, names: []string{note}},
			attack{name: "checkpoint-" + name + "-size", do: func(b *bag) {
				parts := strings.SplitN(string(b.get(note)), "\n", 3)
				b.put(note, []byte(parts[0]+"\n"+parts[1]+"0\n"+parts[2]))
			}, names: []string{note}})
	}
	return append(list,
		attack{name: "checkpoint-from-another-phase", do: func(b *bag) { b.put(endNote, b.get(seal.CheckpointDir+"fault.note")) }, names: []string{endNote}},
		attack{name: "checkpoints-exchanged", do: func(b *bag) { b.swap(seal.CheckpointDir+"load-0001.note", seal.CheckpointDir+"load-0002.note") },
			names: []string{seal.CheckpointDir}},
		attack{name: "checkpoint-signed-by-another-key", do: func(b *bag) {
			key, err := seal.NewRunKey("blackstart/" + b.record().RunID)
			must(b.t, err)
			note, err := key.Sign(headOf(b, lines(b.get(eventsFile))), "end")
			must(b.t, err)
			b.put(endNote, note)
		}, names: []string{endNote}},
		attack{name: "checkpoint-load-renumbered", do: func(b *bag) {
			data := b.get(seal.CheckpointDir + "load-0002.note")
			b.remove(seal.CheckpointDir + "load-0002.note")
			b.put(seal.CheckpointDir+"load-0099.note", data)
		}, names: []string{seal.CheckpointDir, eventsFile}})
}
