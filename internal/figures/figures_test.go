package figures

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestRowsComeBackAsTheyWereWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.json")
	want := []Row{{Name: "planted losses", Value: "exact", Bar: "exact", Met: true, Raw: map[string]float64{"n": 1}, Remark: "why"}}
	if err := Write(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestAFileWithoutRowsIsAnError(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "none": "[]", "other": `{"name":"x"}`} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if rows, err := Read(path); err == nil {
			t.Errorf("%s: read %v", name, rows)
		}
	}
	if _, err := Read(filepath.Join(dir, "missing")); err == nil {
		t.Error("read a file that is not there")
	}
}

func TestOnlyARowWithABarCanMissIt(t *testing.T) {
	if (Row{}).Missed() || (Row{Bar: "≤ 1", Met: true}).Missed() || !(Row{Bar: "≤ 1"}).Missed() {
		t.Error("a row misses its bar if it has one and does not meet it")
	}
}
