package victim

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

// TestEveryKindIsAskedOfWhatItSays holds each kind of check against a target with one component and one link of every kind: what
// does not fit is an error about the check itself, and never an answer.
func TestEveryKindIsAskedOfWhatItSays(t *testing.T) {
	about := target("postgres", "tcp", "127.0.0.1:1")
	about.Components = append(about.Components, harness.Component{Name: "queue", Kind: "queue", Region: "east"})
	about.Links = append(about.Links, harness.Link{Name: "to queue", To: "queue", Protocol: "tcp", Address: "127.0.0.1:1"})
	for _, kind := range Checks.All() {
		of := kind.New()
		if kind.Doc == "" || !strings.HasPrefix(kind.Example, kind.Name+" on ") || of.Plan == nil || of.Scope != ScopeLink && of.Scope != ScopeComponent {
			t.Errorf("%s lacks words, or what it is asked about", kind.Name)
		}
		wrong := map[string]string{"nowhere": "no such " + string(of.Scope)}
		if of.Protocol != "" {
			wrong[map[Scope]string{ScopeLink: "to queue", ScopeComponent: "queue"}[of.Scope]] = strconv.Quote(of.Protocol)
		}
		if of.Wants {
			wrong["outside→x"] = "what is wanted"
		}
		for on, want := range wrong {
			check := harness.Check{Kind: harness.CheckKind(kind.Name), On: on}
			if of.Wants && on != "outside→x" {
				check.Want = "ok"
			}
			_, err := Await(t.Context(), about, fakeDriver{}, []harness.Check{check}, time.Hour, harness.NewClock())
			var notHeld *ChecksFailedError
			if err == nil || errors.As(err, &notHeld) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s on %s: got %v, want an error about the check itself that says %s", kind.Name, on, err, want)
			}
		}
	}
}

// TestEveryNamedCheckExists: a fault that names one without a file would only fail in a drill.
func TestEveryNamedCheckExists(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "../fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil {
			return true
		}
		if of, is := spec.Type.(*ast.Ident); !is || of.Name != "CheckKind" {
			return true
		}
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		named++
		if _, ok := Checks.Get(name); err != nil || !ok {
			t.Errorf("there is no check %s", name)
		}
		return true
	})
	if named < 16 {
		t.Errorf("only %d names were found", named)
	}
}

// TestWhatNeedsAFollower: these cannot hold behind a fence, and the drill then leaves them out. Their contraries can.
func TestWhatNeedsAFollower(t *testing.T) {
	var got []string
	for _, name := range Checks.Names() {
		if Follows(harness.CheckKind(name)) {
			got = append(got, name)
		}
	}
	if want := []string{"heartbeat.flows", "logs.agree", "receiver.streams", "slot.active"}; !slices.Equal(got, want) {
		t.Errorf("%v need a standby that follows, want %v", got, want)
	}
	if Follows("queue.empty") {
		t.Error("a check that does not exist needs a standby that follows")
	}
}
