package evidence

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"blackstart/docs"
	"blackstart/harness"
)

// TestEachFieldOfTheRecordIsMarked holds the table of docs/formats.md, which every pack carries, against the record: each field
// has a row, each row has a field, and the counts are right.
func TestEachFieldOfTheRecordIsMarked(t *testing.T) {
	rows := markedRows(t)
	used, counts := map[string]bool{}, map[string]int{}
	for _, path := range leaves(reflect.TypeFor[harness.Record](), "") {
		row := ""
		for p := range rows {
			if (path == p || strings.HasPrefix(path, p+".") || strings.HasPrefix(path, p+"[]")) && len(p) > len(row) {
				row = p
			}
		}
		if row == "" {
			t.Errorf("no row speaks of %s", path)
			continue
		}
		used[row] = true
		counts[rows[row]]++
	}
	for p := range rows {
		if !used[p] {
			t.Errorf("row %s speaks of no field", p)
		}
	}
	want := fmt.Sprintf("Of %d fields %d are recomputed, %d are cross-checked, and %d are this process's word only.",
		counts["recomputed"]+counts["cross-checked"]+counts["this process's word only"], counts["recomputed"], counts["cross-checked"], counts["this process's word only"])
	if !strings.Contains(string(docs.Formats), want) {
		t.Errorf("docs/formats.md does not say %q", want)
	}
}

// markedRows reads the table: mark by path.
func markedRows(t *testing.T) map[string]string {
	t.Helper()
	_, table, ok := strings.Cut(string(docs.Formats), "| path | | second source |\n| --- | --- | --- |\n")
	if !ok {
		t.Fatal("docs/formats.md has no table of the record's fields")
	}
	rows := map[string]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 5 {
			break
		}
		path, mark := strings.Trim(strings.TrimSpace(cells[1]), "`"), strings.TrimSpace(cells[2])
		if !slices.Contains([]string{"recomputed", "cross-checked", "this process's word only"}, mark) || rows[path] != "" {
			t.Fatalf("row %q: mark %q, or it stands there twice", path, mark)
		}
		rows[path] = mark
	}
	return rows
}

// leaves lists the paths of all fields that hold a value of their own, by their names in JSON. What writes itself, an interval
// and a map are values.
func leaves(t reflect.Type, path string) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]()) || t == reflect.TypeFor[harness.Interval]() {
		return []string{path}
	}
	switch t.Kind() {
	case reflect.Slice:
		return leaves(t.Elem(), path+"[]")
	case reflect.Struct:
		var all []string
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if name == "-" || name == "" {
				continue
			}
			all = append(all, leaves(t.Field(i).Type, strings.TrimPrefix(path+"."+name, "."))...)
		}
		return all
	}
	return []string{path}
}
