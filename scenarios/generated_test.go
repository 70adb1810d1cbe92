package scenarios

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "rewrite golden files and generated pages")

// golden compares got with a file, or rewrites the file under -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (make golden writes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run make golden and look at the difference.\ngot:\n%s\nwant:\n%s", file, clip(got), clip(want))
	}
}

func clip(b []byte) []byte { return b[:min(len(b), 2000)] }

func TestGeneratedPagesAreFresh(t *testing.T) {
	golden(t, "../docs/scenario.schema.json", known.Schema())
	golden(t, "../docs/scenario-reference.md", known.Reference())
	if page := string(known.Reference()); strings.Count(page, "<!--") != 1 {
		t.Errorf("a table is missing: the page still holds a mark")
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(known.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("scenario.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON is a YAML file as an editor sees it.
func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestSchemaTakesTheLibrary(t *testing.T) {
	schema := compiled(t)
	for _, e := range Library() {
		data, err := os.ReadFile(filepath.Join("..", e.Path))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, data)); err != nil {
			t.Errorf("%s: %v", e.Path, err)
		}
	}
	loose := strings.NewReplacer(`amount: "100.00"`, "amount: 100.00", "place: primary", "place: primary", "commit: synchronous", "documents: 1000").
		Replace(read(t, examples+"/valid.yaml"))
	if err := schema.Validate(asJSON(t, []byte(loose))); err != nil {
		t.Errorf("values that the reader takes without quotes: %v", err)
	}
}

func TestSchemaRefuses(t *testing.T) {
	schema := compiled(t)
	whole, err := os.ReadFile("finrag/region-partition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed, err := os.ReadFile("finrag/region-partition.async-lag.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		file     []byte
		from, to string
	}{
		{"unknown key", whole, "settle: 60s", "settle: 60s\nsetle: 60s"},
		{"unknown key of an entry", whole, "rate: 150/s", "rates: 150/s"},
		{"wrong unit", whole, "settle: 60s", "settle: 60"},
		{"wrong rate", whole, "150/s", "150"},
		{"wrong word", whole, "place: outside", "place: inside"},
		{"missing key", whole, "settle: 60s\n", ""},
		{"empty source", whole, `source: "BCP 4.2"`, `source: ""`},
		{"list by id without extends", whole, "needs: [postgres.primary, postgres.standby, entrypoint.https, alert.pagerduty]", "needs: {a: b}"},
		{"unknown key of a change", changed, "settings:", "setting:"},
		{"wrong word of a change", changed, "measure: rpo.lost", "measure: rpo.lost, from: start"},
		{"extends a path", changed, "extends: region", "extends: ../region"},
	} {
		data := bytes.Replace(c.file, []byte(c.from), []byte(c.to), 1)
		if bytes.Equal(data, c.file) {
			t.Fatalf("%s: nothing was changed", c.name)
		}
		if schema.Validate(asJSON(t, data)) == nil {
			t.Errorf("%s: the schema takes it", c.name)
		}
	}
}
