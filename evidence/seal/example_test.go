package seal_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"blackstart/evidence/seal"
)

// A directory with a payload is sealed with a throw-away identity, written as a
// zip, and verified against the root that lies beside it.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "seal-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bag, data := filepath.Join(dir, "bag"), filepath.Join(dir, "bag", "data")
	check(os.MkdirAll(filepath.Join(data, "checkpoints"), 0o755))

	// Before the drill: the run's key goes into inputs.json.
	key, err := seal.NewRunKey("blackstart/018f-run")
	check(err)
	inputs := []byte(fmt.Sprintf("{\"class\":\"rehearsal\",\"run_key\":%q}\n", key.Verifier()))
	check(os.WriteFile(filepath.Join(data, "inputs.json"), inputs, 0o644))

	// During the drill: events, and signed heads of the log.
	events, err := seal.NewChain(filepath.Join(data, "events.jsonl"), seal.Digest(inputs))
	check(err)
	_, err = events.Append(map[string]any{"kind": "drill.started"})
	check(err)
	start, err := key.Sign(events.Head(), "start")
	check(err)
	check(os.WriteFile(filepath.Join(data, "checkpoints", "start.note"), start, 0o644))
	head, err := events.Close(nil, nil)
	check(err)
	end, err := key.Sign(head, "end")
	check(err)
	check(os.WriteFile(filepath.Join(data, "checkpoints", "end.note"), end, 0o644))

	// After the drill: seal and write.
	id, err := seal.NewThrowawayIdentity("rehearsal 018f")
	check(err)
	info := seal.BagInfo{PackID: "018f-pack", RunID: "018f-run", Sealed: time.Now()}
	sealed, err := seal.Seal(ctx, bag, info, id.Identity)
	check(err)
	path := filepath.Join(dir, "pack.zip")
	check(seal.WritePack(ctx, bag, "pack", path))
	check(os.WriteFile(filepath.Join(dir, "pack.root.pem"), id.RootPEM, 0o644))

	// Anyone: verify.
	roots, err := seal.LoadRoots(filepath.Join(dir, "pack.root.pem"))
	check(err)
	report, err := seal.Verify(ctx, path, seal.Options{
		Roots: roots,
		Content: func(p *seal.Pack) (seal.Content, error) {
			data, err := p.ReadFile(seal.InputsFile)
			if err != nil {
				return seal.Content{}, err
			}
			var in struct {
				Class  string `json:"class"`
				RunKey string `json:"run_key"`
			}
			err = seal.StrictDecode(data, &in)
			return seal.Content{Info: sealed.Info, RunKey: in.RunKey, Class: in.Class}, err
		},
	})
	check(err)
	check(report.Err())
	for _, q := range []seal.Question{seal.Integrity, seal.Origin, seal.Time} {
		fmt.Println(q, report.Answer(q))
	}
	// Output:
	// integrity ok
	// origin not checked
	// time not checked
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
