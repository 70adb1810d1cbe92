package evidence_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"blackstart/evidence/seal"
)

// An event is one line of the log.
type event struct {
	Seq    int               `json:"seq"`
	Prev   string            `json:"prev"`
	Kind   string            `json:"kind"`
	At     json.RawMessage   `json:"at,omitempty"`
	Phase  *string           `json:"phase,omitempty"`
	Text   *string           `json:"text,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
	Count  int               `json:"count,omitempty"`
}

func (e event) line() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		panic(err)
	}
	// An event without detail says so with an empty object.
	if e.Kind != seal.ClosedKind && len(e.Detail) == 0 {
		return append(bytes.TrimSuffix(out.Bytes(), []byte("}\n")), ",\"detail\":{}}\n"...)
	}
	return out.Bytes()
}

func lines(data []byte) [][]byte {
	all := bytes.SplitAfter(data, []byte("\n"))
	if len(all[len(all)-1]) == 0 {
		all = all[:len(all)-1]
	}
	return all
}

func (b *bag) events() (events []event) {
	for _, line := range lines(b.get(eventsFile)) {
		var e event
		must(b.t, json.Unmarshal(line, &e))
		events = append(events, e)
	}
	return events
}

// setEvents writes the log with its chain made anew: the checkpoints stay as the run signed them.
func (b *bag) setEvents(events []event) {
	prev := seal.Digest(b.files[inputsFile])
	var log []byte
	for n, e := range events {
		e.Seq, e.Prev = n, prev
		if e.Kind == seal.ClosedKind {
			e.Count = len(events)
		}
		line := e.line()
		prev = seal.Digest(line)
		log = append(log, line...)
	}
	b.put(eventsFile, log)
}

func recordLen(name string) int {
	switch {
	case strings.Contains(name, ".copies-"):
		return 1
	case strings.HasPrefix(name, "data/ledger/"):
		return 48
	}
	return 40
}

// tellAnew makes the trees, the roots in the record, what the events tell of each file, and the chain anew, as the product would
// have done had the files been so. It cannot sign checkpoints.
func (b *bag) tellAnew() {
	b.t.Helper()
	for _, name := range b.names("data/", ".bin") {
		old, ok := b.files[name+seal.TreeExt]
		if !ok {
			continue
		}
		tree, err := seal.TreeRoot(context.Background(), bytes.NewReader(b.files[name]), 64, recordLen(name))
		must(b.t, err)
		b.put(name+seal.TreeExt, tree.Bytes())
		was, err := seal.ParseTree(old)
		must(b.t, err)
		b.put(recordFile, bytes.ReplaceAll(b.get(recordFile), []byte(hash(was.Root)), []byte(hash(tree.Root))))
	}
	b.retell()
}

// retell makes the events that tell of files anew, and the chain.
func (b *bag) retell() {
	events := b.events()
	for n := range events {
		e := &events[n]
		switch e.Kind {
		case "load.checkpoint":
			for file, said := range e.Detail {
				e.Detail[file] = b.prefix(file, said)
			}
		case "stream.closed", "file.closed", "record.closed", "log.opened":
			b.tell(e)
		}
	}
	b.setEvents(events)
}

// prefix is what an event says of the first records of a file; said holds how many they were.
func (b *bag) prefix(file, said string) string {
	var count, waiting int64
	var root string
	_, err := fmt.Sscanf(said, "records=%d waiting=%d root=%s", &count, &waiting, &root)
	must(b.t, err)
	data, ok := b.files[file]
	if !ok || len(data) < 64 {
		return said
	}
	size := recordLen(file)
	count = min(count, int64((len(data)-64)/size))
	walked, err := seal.Walk(context.Background(), bytes.NewReader(data), 64, size, []int64{count})
	must(b.t, err)
	return fmt.Sprintf("records=%d waiting=%d root=%s", count, waiting, hash(walked.Prefixes[0]))
}

// tell writes into an event what its file holds by now.
func (b *bag) tell(e *event) {
	file := e.Detail["file"]
	data, ok := b.files[file]
	if !ok {
		return
	}
	set := func(values map[string]string) {
		for k, v := range values {
			if _, ok := e.Detail[k]; ok {
				e.Detail[k] = v
			}
		}
	}
	values := map[string]string{"size": strconv.Itoa(len(data)), "sha256": seal.Digest(data)}
	if strings.HasSuffix(file, ".bin") {
		walked, err := seal.Walk(context.Background(), bytes.NewReader(data), 64, recordLen(file), nil)
		must(b.t, err)
		maps.Copy(values, map[string]string{"records": strconv.FormatInt(walked.Records, 10), "first": walked.First, "last": walked.Last, "root": hash(walked.Root)})
		old := e.Detail["records"] + " records"
		text := strings.Replace(*e.Text, old, values["records"]+" records", 1)
		e.Text = &text
	} else if all := lines(data); len(data) > 0 {
		maps.Copy(values, map[string]string{"records": strconv.Itoa(len(all)), "first": seal.Digest(all[0]), "last": seal.Digest(all[len(all)-1])})
	}
	set(values)
}

func hash(h seal.Hash) string { return fmt.Sprintf("%x", h[:]) }

// takeKey puts a new run key into inputs.json and signs all with it: the one forgery that nothing inside a pack can show.
func (b *bag) takeKey() {
	key, err := seal.NewRunKey("blackstart/" + b.record().RunID)
	must(b.t, err)
	b.honest.key = key
	var in struct {
		RunKey string `json:"run_key"`
	}
	must(b.t, json.Unmarshal(b.get(inputsFile), &in))
	b.inputsAnew(func(b *bag) { b.replace(inputsFile, in.RunKey, key.Verifier()) })
	b.signAnew()
}

// signAnew tells all anew and signs every checkpoint with the run key that was taken.
func (b *bag) signAnew() {
	if b.honest.key == nil {
		b.t.Fatal("the run's own key signs no more")
	}
	b.tellAnew()
	log := lines(b.files[eventsFile])
	for _, name := range b.names(seal.CheckpointDir, seal.CheckpointExt) {
		size, err := strconv.Atoi(strings.Split(string(b.files[name]), "\n")[1])
		must(b.t, err)
		phase := strings.TrimSuffix(strings.TrimPrefix(name, seal.CheckpointDir), seal.CheckpointExt)
		size = min(size, len(log))
		// A checkpoint is taken along with the event that it stands behind, and the end stays the end.
		if phase == "end" {
			size = len(log)
		} else if at := b.stands(name); at > 0 {
			size = at
		}
		note, err := b.honest.key.Sign(headOf(b, log[:size]), phase)
		must(b.t, err)
		b.put(name, note)
	}
}

// stands is the number of events up to the one that a load's checkpoint is signed behind, 0 for another.
func (b *bag) stands(name string) (size int) {
	var nth, n int
	if _, err := fmt.Sscanf(name, seal.CheckpointDir+"load-%d.note", &nth); err != nil {
		return 0
	}
	for at, e := range b.events() {
		if e.Kind == "load.checkpoint" {
			if n++; n == nth {
				return at + 1
			}
		}
	}
	return 0
}

// headOf is the state of a log after these lines.
func headOf(b *bag, log [][]byte) seal.ChainHead {
	chain, err := seal.VerifyChain(bytes.NewReader(bytes.Join(log, nil)), seal.Digest(b.files[inputsFile]))
	if err != nil && chain.Head.Count != int64(len(log)) {
		b.t.Fatal(err)
	}
	return chain.Head
}
