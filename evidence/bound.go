package evidence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// Limits of what an event log may bind: a foreign log must not cost more than a real one.
const (
	maxBoundFiles      = 1000
	maxLoadCheckpoints = 24 * 360 // a day of them
)

// prefix is how far a file had come at a checkpoint of the loads.
type prefix struct {
	records int64
	root    seal.Hash
}

// loadCheckpoint is one event that tells how far the files of the loads had come.
type loadCheckpoint struct {
	seq      int64
	prefixes map[string]prefix // by file
}

// bindings is what an event log says of the files of its pack.
type bindings struct {
	files       map[string]harness.Event // the event of each file that is complete
	checkpoints []loadCheckpoint
	recordSHA   string
	recordSeq   int64
	interrupted int64          // the event with which another process took over, -1: none did
	register    *harness.Event // the one that tells of the register, nil: none does
}

// readBindings reads what the event log binds, in one pass.
func (c *checker) readBindings() (*bindings, error) {
	log, err := c.pack.Open(seal.EventsFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	b := &bindings{files: map[string]harness.Event{}, recordSeq: -1, interrupted: -1}
	return b, eachEvent(log, b.add)
}

func (b *bindings) add(seq int64, e harness.Event) error {
	if opened := e.Kind == openedKind && e.Detail["format"] == harness.Format; (seq == 0) != opened {
		return fmt.Errorf("event %d: %s must stand first, with the format, and nowhere else", seq, openedKind)
	}
	switch e.Kind {
	case loadCheckpointKind:
		if len(b.checkpoints) == maxLoadCheckpoints || len(e.Detail) > maxStreams {
			return fmt.Errorf("event %d: more checkpoints, or files in one, than a drill can have", seq)
		}
		cp := loadCheckpoint{seq: seq, prefixes: map[string]prefix{}}
		for file, text := range e.Detail {
			records, root, err := parsePrefix(text)
			if err != nil {
				return fmt.Errorf("event %d: %w", seq, err)
			}
			cp.prefixes[file] = prefix{records, root}
		}
		b.checkpoints = append(b.checkpoints, cp)
	case streamClosedKind, fileClosedKind:
		name := e.Detail["file"]
		if _, twice := b.files[name]; twice {
			return fmt.Errorf("event %d: %s was complete before", seq, name)
		}
		if len(b.files) == maxBoundFiles {
			return fmt.Errorf("event %d: more files than a drill can have", seq)
		}
		b.files[name] = e
	case recordClosedKind:
		if b.recordSeq >= 0 {
			return fmt.Errorf("event %d: the record was closed before", seq)
		}
		b.recordSHA, b.recordSeq = e.Detail["sha256"], seq
	case registerKind:
		return b.takeRegister(seq, e)
	case interruptedKind:
		if b.interrupted < 0 {
			b.interrupted = seq
		}
	default:
		if b.recordSeq >= 0 {
			return fmt.Errorf("event %d: %s stands after %s", seq, e.Kind, recordClosedKind)
		}
	}
	return nil
}

// counts lists, for each file, the numbers of records at its checkpoints, sorted.
func (b *bindings) counts() map[string][]int64 {
	all := map[string][]int64{}
	for _, cp := range b.checkpoints {
		for file, p := range cp.prefixes {
			all[file] = append(all[file], p.records)
		}
	}
	for file, n := range all {
		slices.Sort(n)
		all[file] = slices.Compact(n)
	}
	return all
}

// bound checks that nothing of what was measured has changed since the run's key signed it.
func (c *checker) bound(ctx context.Context) {
	data, err := c.pack.ReadFile(RecordFile)
	if err == nil {
		err = c.binding.closed(data, c.out.Report.Chain.Head.Count)
	}
	c.check("the record is the one that was closed", RecordFile, err)
	signed := c.signedCheckpoints()
	names := c.pack.Names()
	for _, name := range names {
		if !strings.HasPrefix(name, seal.PayloadDir+"/") || !bindable(name) {
			continue
		}
		if _, ok := c.binding.files[name]; !ok {
			c.check("every file has its event", name, errors.New("no event of the run tells of it: it was added, or changed its name"))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.binding.files)) {
		if !c.pack.Has(name) {
			c.check("every file that was complete is there", name, errors.New("missing: the event log tells of it"))
			continue
		}
		if e := c.binding.files[name]; e.Kind == fileClosedKind {
			c.check("file is the one that its event tells", name, c.fileAsRecorded(name, e))
		}
	}
	c.streams(ctx, signed)
}

// closed holds the bytes of the record against the event that tells their digest, the last one of the drill's.
func (b *bindings) closed(record []byte, events int64) error {
	switch {
	case b.recordSeq < 0:
		return fmt.Errorf("no event %s tells its digest", recordClosedKind)
	case b.recordSeq != events-2:
		return fmt.Errorf("event %d, %s, is not the last one before %s", b.recordSeq, recordClosedKind, seal.ClosedKind)
	case seal.Digest(record) != b.recordSHA:
		return fmt.Errorf("its digest is %s, event %d says %s", seal.Digest(record), b.recordSeq, b.recordSHA)
	}
	return nil
}

// signedCheckpoints demands a signed head right behind each event that binds the loads, and gives those that have one. A run
// that was killed may have died between the last event and its signature: then nothing of its own stands behind that event.
func (c *checker) signedCheckpoints() []loadCheckpoint {
	var signed []loadCheckpoint
	for i, cp := range c.binding.checkpoints {
		name := seal.CheckpointDir + loadCheckpointName(i+1) + seal.CheckpointExt
		if !c.pack.Has(name) && cp.seq+1 == c.binding.interrupted && c.out.Record.Status == harness.Interrupted {
			continue
		}
		err := c.signs(name, cp.seq+1)
		c.check("checkpoint of the loads is signed", name, err)
		if err == nil {
			signed = append(signed, cp)
		}
	}
	for _, name := range c.pack.Names() {
		var n int
		if _, err := fmt.Sscanf(name, seal.CheckpointDir+"load-%d"+seal.CheckpointExt, &n); err == nil && n > len(c.binding.checkpoints) {
			c.check("checkpoint of the loads is signed", name, errors.New("no event of the log belongs to it"))
		}
	}
	if end := seal.CheckpointDir + "end" + seal.CheckpointExt; c.out.Record.Status == harness.Interrupted && c.pack.Has(end) {
		c.check("an interrupted run has no end", end, errors.New("the run's key signed the end of the log: it was not interrupted"))
	}
	return signed
}

// signs tells whether a checkpoint is signed by the run's key over the first size events. That they are these events, package
// seal has checked.
func (c *checker) signs(name string, size int64) error {
	msg, err := c.pack.ReadFile(name)
	if err != nil {
		return fmt.Errorf("missing: %w", err)
	}
	cp, err := seal.VerifyCheckpoint(msg, c.inputs.RunKey)
	if err == nil && cp.Size != size {
		err = fmt.Errorf("it speaks of %d events, its own is number %d", cp.Size, size-1)
	}
	return err
}

// fileAsRecorded compares a file with the event that told its digest.
func (c *checker) fileAsRecorded(name string, e harness.Event) error {
	got, err := fileDetail(packFS{c.pack}, name)
	if err != nil {
		return err
	}
	return sameDetail(got, e.Detail)
}

// sameDetail names the first thing in which a file differs from what its event tells.
func sameDetail(got, told map[string]string) error {
	keys := slices.Sorted(maps.Keys(got))
	if !slices.Equal(keys, slices.Sorted(maps.Keys(told))) {
		return errors.New("its event does not tell what such an event tells")
	}
	for _, k := range keys {
		if got[k] != told[k] {
			return fmt.Errorf("%s is %q, its event says %q", k, got[k], told[k])
		}
	}
	return nil
}

// streams checks each binary file: against its event, the record, and what was bound while it was written.
func (c *checker) streams(ctx context.Context, signed []loadCheckpoint) {
	b := Binding{Record: c.out.Record}
	counts := c.binding.counts()
	known := map[string]bool{}
	for _, s := range b.binaries() {
		known[s.file] = true
		w, ok := c.out.Report.Walked[s.file]
		var err error
		if !ok && !s.closed {
			w, err = c.pack.Walk(ctx, s.file, headerLen, recordLen(s.kind), counts[s.file])
		} else if !ok {
			err = errors.New("it has no tree that fits")
		}
		var torn *seal.Refusal
		if errors.As(err, &torn) && !s.closed && len(counts[s.file]) == 0 && c.binding.files[s.file].Kind == fileClosedKind {
			continue // it died before its header was written, and is bound as it is
		}
		if err == nil {
			err = errors.Join(c.streamAsRecorded(s, w), prefixesAsRecorded(s.file, counts[s.file], w, signed))
		}
		c.check("stream is the one that was bound", s.file, err)
	}
	for file := range counts {
		if !known[file] {
			c.check("stream is the one that was bound", file, errors.New("checkpoints tell of it, the record does not"))
		}
	}
}

func (c *checker) streamAsRecorded(s binaryFile, w seal.FileDigests) error {
	e, ok := c.binding.files[s.file]
	if !ok || e.Kind != streamClosedKind {
		return fmt.Errorf("no event %s tells of it", streamClosedKind)
	}
	if s.closed && fmt.Sprintf("%x", w.Root[:]) != *s.root {
		return errors.New("its Merkle root is not the record's")
	}
	if int64(s.count) != w.Records {
		return fmt.Errorf("it has %d records, the record counts %d", w.Records, s.count)
	}
	return sameDetail(streamDetail(s.file, s.closed, w), e.Detail)
}

// prefixesAsRecorded compares the root over the records before each checkpoint with the one that was signed then.
func prefixesAsRecorded(file string, counts []int64, w seal.FileDigests, signed []loadCheckpoint) error {
	for _, cp := range signed {
		p, ok := cp.prefixes[file]
		if !ok {
			continue
		}
		at, _ := slices.BinarySearch(counts, p.records)
		if at >= len(w.Prefixes) {
			return fmt.Errorf("it has %d records; %d were bound by event %d", w.Records, p.records, cp.seq)
		}
		if w.Prefixes[at] != p.root {
			return fmt.Errorf("one of its first %d records is not the one that event %d bound", p.records, cp.seq)
		}
	}
	return nil
}

// unbound says of an interrupted run how far its evidence is bound; "" of any other.
func (c *checker) unbound() string {
	if c.out.Record.Status != harness.Interrupted {
		return ""
	}
	name, last := "none", loadCheckpoint{}
	for i, cp := range c.binding.checkpoints {
		if n := loadCheckpointName(i + 1); c.pack.Has(seal.CheckpointDir + n + seal.CheckpointExt) {
			name, last = n, cp
		}
	}
	if name == "none" {
		return "no record was bound by the run's key before it was interrupted: everything in this pack is unbound"
	}
	var far []string
	for _, file := range slices.Sorted(maps.Keys(last.prefixes)) {
		far = append(far, strings.TrimPrefix(file, seal.PayloadDir+"/")+" "+strconv.FormatInt(last.prefixes[file].records, 10)+" records")
	}
	return fmt.Sprintf("bound by the run's key up to checkpoint %s (event %d; %s); everything after it is unbound", name, last.seq, strings.Join(far, ", "))
}
