package evidence

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/loadgen"
)

// named tells whether a failed check names the file with these words.
func named(c Checked, file, words string) bool {
	return slices.ContainsFunc(c.Failures(), func(k seal.Check) bool { return k.File == file && strings.Contains(k.Detail, words) })
}

// TestWhatWasMeasuredIsBoundToTheRun: whoever holds the key of the pack, but not that of the run, changes raw evidence.
func TestWhatWasMeasuredIsBoundToTheRun(t *testing.T) {
	const log = "data/as-run/logs/west.db.log"
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	for name, c := range map[string]struct {
		forge       func(t *testing.T, h *honest)
		file, words string
	}{
		"outcomes of samples": {func(t *testing.T, h *honest) {
			all := outage()
			all[failedFrom].Outcome, all[failedFrom].Done = loadgen.OK, all[failedFrom].Due+1
			writeSamples(t, h.path("data/samples/edge.bin"), uuid.MustParse(h.rec.RunID), h.rec.Anchor, all)
			h.judgeAgain(t, madeSamples)
		}, "data/samples/edge.bin", "is not the one that event"},
		"samples after the last checkpoint of the loads": {func(t *testing.T, h *honest) {
			all := outage()
			all[madeSamples-1].Done++
			writeSamples(t, h.path("data/samples/edge.bin"), uuid.MustParse(h.rec.RunID), h.rec.Anchor, all)
			h.judgeAgain(t, madeSamples)
		}, "data/samples/edge.bin", "last is"},
		"a log added": {func(t *testing.T, h *honest) {
			if err := writeFile(h.dir, "data/as-run/logs/east.db.log", []byte("all is well\n")); err != nil {
				t.Fatal(err)
			}
		}, "data/as-run/logs/east.db.log", "it was added"},
		"a log emptied":  {func(t *testing.T, h *honest) { h.change(t, log, func([]byte) []byte { return nil }) }, log, "sha256"},
		"a log changed":  {func(t *testing.T, h *honest) { h.change(t, log, flip) }, log, "sha256"},
		"a log renamed":  {func(t *testing.T, h *honest) { h.rename(t, log, log+".old") }, log, "missing"},
		"the undo log":   {func(t *testing.T, h *honest) { h.change(t, undoFile, flip) }, undoFile, "first"},
		"the formats":    {func(t *testing.T, h *honest) { h.change(t, formatsFile, func([]byte) []byte { return nil }) }, formatsFile, "sha256"},
		"an observation": {func(t *testing.T, h *honest) { h.change(t, observed, flip) }, observed, "sha256"},
		"a probe's end":  {func(t *testing.T, h *honest) { h.change(t, observed, lastLineOff) }, observed, "last"},
		"a series of a probe": {func(t *testing.T, h *honest) {
			h.remove(t, observed)
			h.rec.Probes = nil
			h.retell(t)
		}, observed, "missing"},
		"a checkpoint taken out": {func(t *testing.T, h *honest) { h.remove(t, loadNote) }, loadNote, "missing"},
		"a checkpoint too many": {func(t *testing.T, h *honest) {
			h.rename(t, seal.CheckpointDir+"end.note", seal.CheckpointDir+"load-0002.note")
		}, seal.CheckpointDir + "load-0002.note", "no event of the log belongs to it"},
		"the end taken off": {func(t *testing.T, h *honest) { h.remove(t, seal.CheckpointDir+"end.note") }, seal.CheckpointDir + "end.note", "missing"},
		"a failed drill told as interrupted": {func(t *testing.T, h *honest) {
			h.rec.Status = harness.Interrupted
			h.retell(t)
		}, seal.CheckpointDir + "end.note", "it was not interrupted"},
		"a stream told by another name": {func(t *testing.T, h *honest) {
			h.rename(t, "data/samples/edge.bin", "data/samples/other.bin")
			h.remove(t, "data/samples/edge.bin.tree")
			h.rec.Streams[0].File = "data/samples/other.bin"
			h.judgeAgain(t, madeSamples)
		}, "data/samples/edge.bin", "missing"},
		"a file the torn end of a log": {func(t *testing.T, h *honest) {
			if err := writeFile(h.dir, tornFile, []byte("{")); err != nil {
				t.Fatal(err)
			}
		}, tornFile, "no file of a pack has this name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := makeHonest(t)
			c.forge(t, h)
			if checked := h.verify(t, h.reseal(t)); !named(checked, c.file, c.words) {
				t.Errorf("no failed check of %s says %q: %v", c.file, c.words, checked.Failures())
			}
		})
	}
}

const loadNote = seal.CheckpointDir + "load-0001" + seal.CheckpointExt

func lastLineOff(b []byte) []byte {
	return b[:bytes.LastIndexByte(bytes.TrimSuffix(b, []byte("\n")), '\n')+1]
}

func (h *honest) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(h.path(name)); err != nil {
		t.Fatal(err)
	}
}

func (h *honest) rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(h.path(from), h.path(to)); err != nil {
		t.Fatal(err)
	}
}

// TestEveryFieldOfTheRecordIsBound changes each field of the record, however deep, reseals it with the valid key, and demands
// a refusal that names it.
func TestEveryFieldOfTheRecordIsBound(t *testing.T) {
	h := makeHonest(t)
	full(reflect.ValueOf(h.rec).Elem(), 0)
	data, err := marshal(h.rec)
	if err != nil {
		t.Fatal(err)
	}
	b := bindings{recordSHA: seal.Digest(data), recordSeq: 7}
	if err := b.closed(data, 9); err != nil {
		t.Fatalf("the honest record is refused: %v", err)
	}
	fields := 0
	each(reflect.ValueOf(h.rec).Elem(), "", func(path string, v reflect.Value) {
		fields++
		was := reflect.ValueOf(v.Interface())
		change(v)
		data, err := marshal(h.rec)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		v.Set(was)
		if strings.HasSuffix(path, ".Rate.Per") { // written as a rate, which a nanosecond does not change
			return
		}
		if b.closed(data, 9) == nil {
			t.Errorf("%s can be changed", path)
		}
	})
	if fields < 200 {
		t.Errorf("only %d fields were changed", fields)
	}
	if b.closed(data, 10) == nil {
		t.Error("an event behind the record's is accepted")
	}
}

// full gives every list one entry and every pointer a value, so that all fields are there to be changed.
func full(v reflect.Value, depth int) {
	if depth > 8 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			full(v.Field(i), depth+1)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		full(v.Index(0), depth+1)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		full(v.Elem(), depth+1)
	}
}

// each visits every field that holds a value of its own.
func each(v reflect.Value, path string, do func(string, reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if tag := f.Tag.Get("json"); f.IsExported() && tag != "-" {
				each(v.Field(i), path+"."+f.Name, do)
			}
		}
	case reflect.Slice:
		for i := range min(v.Len(), 1) {
			each(v.Index(i), path+"[]", do)
		}
	case reflect.Pointer:
		each(v.Elem(), path, do)
	case reflect.String, reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint64, reflect.Uint8, reflect.Bool, reflect.Float64:
		if v.CanSet() {
			do(path, v)
		}
	}
}

func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(v.Uint() + 1)
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	default:
		v.SetInt(v.Int() + 1)
	}
}

// TestAnInterruptedRunIsBoundUpToItsLastCheckpoint: the key is gone; what came after the checkpoint is told as unbound.
func TestAnInterruptedRunIsBoundUpToItsLastCheckpoint(t *testing.T) {
	h := interrupted(t)
	c := h.verify(t, h.reseal(t))
	if c.Err() != nil {
		t.Fatalf("an honest interrupted pack is refused: %v", c.Err())
	}
	for _, words := range []string{"load-0001", "samples/edge.bin 300 records", "everything after it is unbound"} {
		if !strings.Contains(c.Unbound, words) {
			t.Errorf("%q does not say %q", c.Unbound, words)
		}
	}
	all := outage()
	all[10].Done++
	writeSamples(t, h.path("data/samples/edge.bin"), uuid.MustParse(h.rec.RunID), h.rec.Anchor, all)
	h.judgeAgain(t, madeSamples)
	if c := h.verify(t, h.reseal(t)); !named(c, "data/samples/edge.bin", "one of its first 300 records") {
		t.Errorf("a bound sample can be changed: %v", c.Failures())
	}
}
