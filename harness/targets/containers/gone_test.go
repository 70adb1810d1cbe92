package containers

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
)

// TestDescribeFound names every component with the state in which it was found, and only those.
func TestDescribeFound(t *testing.T) {
	for want, states := range map[string]map[string][]string{
		"no container of the rehearsal target was found":         {},
		"found of the rehearsal target: running: a.db, west.api": {"running": {"west.api", "a.db"}},
		"found of the rehearsal target: exited: east.db; gone, removed by somebody else: east.api; paused: west.db": {
			"paused": {"west.db"}, "exited": {"east.db"}, goneState: {"east.api"}},
	} {
		if got := describeFound(states); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// fakeEngine answers for the containers that it has. What asks for another is told that it is not there.
func fakeEngine(t *testing.T, has ...string) *engine {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		path := r.URL.Path[strings.Index(r.URL.Path, "/containers"):]
		switch id, _ := strings.CutSuffix(strings.TrimPrefix(path, "/containers/"), "/json"); {
		case path == "/containers/json":
			_, _ = io.WriteString(w, "[]")
		case id == "trouble":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"message":"trouble"}`)
		case slices.Contains(has, id):
			_, _ = io.WriteString(w, `{"Id":"`+id+`"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"message":"No such container"}`)
		}
	}))
	t.Cleanup(s.Close)
	c, err := client.New(client.WithHost("tcp://"+s.Listener.Addr().String()), client.WithAPIVersion("1.44"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &engine{&testcontainers.DockerClient{Client: c}}
}

// A component is gone if the engine has no container for it, or none that holds its network; not if the engine does not say.
func TestGoneIsWhatTheEngineDoesNotHave(t *testing.T) {
	r := newRehearsal(Options{})
	r.Site = &finrag.Site{Dir: t.TempDir()}
	r.engine = fakeEngine(t, "db", "api", "dns", "gate")
	r.units = map[string]string{"east.db": "db", "east.api": "api", "west.db": "lost", "west.api": "trouble", "outside.dns": "dns"}
	r.gates = map[string]*gate{"east.db": {id: "gate"}, "east.api": {id: "nogate"}, "west.db": {id: "gate"}, outside: {id: "nooutside"}}
	for component, want := range map[string]string{
		"east.db": "", "east.cache": "", "west.db": "with the id lost is left",
		"east.api": "the container of its network was removed", "outside.dns": "with the id nooutside is left",
	} {
		gone, rest := harness.Gone(r.Gone(t.Context(), component))
		if len(rest) > 0 || (len(gone) == 1) != (want != "") || want != "" && (gone[0].Component != component || !strings.Contains(gone[0].Found, want)) {
			t.Errorf("%s: gone %v, rest %v", component, gone, rest)
		}
	}
	for _, by := range []string{"removed at the end of the run, by an undo before this one, or by somebody else", "removed by somebody else"} {
		if gone, _ := harness.Gone(r.Gone(t.Context(), "west.db")); len(gone) != 1 || !strings.Contains(gone[0].Found, by) {
			t.Errorf("gone %v, want %q", gone, by)
		}
		if err := os.WriteFile(filepath.Join(r.Dir, untouchedFile), nil, 0o600); err != nil { // as until the run begins to remove anything
			t.Fatal(err)
		}
	}
	if gone, rest := harness.Gone(r.Gone(t.Context(), "west.api")); len(gone) > 0 || len(rest) == 0 {
		t.Errorf("an engine in trouble: gone %v, rest %v", gone, rest)
	}
}

// Who removed what is gone is only said where it is known that we had not begun to.
func TestWhatWeMayHaveRemovedIsNotSaidOfOthers(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{attachFile: `{"units":{"east.db":"lost"},"gates":{"east.api":{"id":"lost too"}}}`, untouchedFile: ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := fakeEngine(t)
	for _, want := range []string{goneState, goneOrOurs, goneOrOurs} {
		if got, err := e.foundOf(t.Context(), "run", dir); err != nil || got != "found of the rehearsal target: "+want+": east.db; its network is "+want+": east.api" {
			t.Errorf("%q, %v", got, err)
		}
		if err := touch(dir); err != nil {
			t.Error(err)
		}
	}
}
