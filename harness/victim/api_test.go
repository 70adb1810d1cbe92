package victim

import (
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"blackstart/harness"
)

// fakeBuild is one build of a region as it speaks on the wire: its version and what it puts first.
type fakeBuild struct {
	version, first string
}

// region serves whichever build is deployed, with the API's own strictness.
type region struct {
	t     *testing.T
	build atomic.Pointer[fakeBuild]
}

func (r *region) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b := r.build.Load()
	switch {
	case b == nil:
		http.Error(w, `{"error":"starting"}`, http.StatusServiceUnavailable)
	case req.Method+req.URL.Path == "GET/version":
		if req.Host != entryName+":8443" {
			r.t.Errorf("asked for host %q", req.Host)
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"build": b.version, "region": "west"})
	case req.Method+req.URL.Path == "POST/query":
		body, _ := io.ReadAll(req.Body)
		var q struct {
			Namespace, Text string
			K               int
		}
		if err := json.Unmarshal(body, &q); err != nil || q.Namespace != "research" || q.Text != "what is the limit" || q.K != 1 {
			r.t.Errorf("asked %s", body)
		}
		results := []map[string]string{}
		if b.first != "" {
			results = append(results, map[string]string{"id": b.first})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"results": results})
	default:
		http.NotFound(w, req)
	}
}

// TestBuilds asks an API that is deployed anew, behind a certificate that has expired: it must still tell its build.
func TestBuilds(t *testing.T) {
	ours := newAuthority(t)
	api := &region{t: t}
	d := apiBehind(ours, serveTLS(t, ours.issue(entryName, -2*time.Hour, -time.Hour), api))
	d.Questions = []harness.Question{{ID: "q1", Namespace: "public", Text: "same", Right: "doc-1"},
		{ID: "q2", Namespace: "public", Text: "same too", Right: "doc-1", Older: "doc-1"},
		{ID: "q3", Namespace: "research", Text: "what is the limit", Right: "doc-2", Older: "doc-3"}}
	denies(t, d, nil, want(harness.BuildIs, "v2")[0], "answer to /version has status 503")
	denies(t, d, nil, want(harness.AnswerIs, "doc-2")[0], "answer to /query has status 503")

	api.build.Store(&fakeBuild{"v1", "doc-3"})
	holds(t, d, nil, append(want(harness.BuildIs, "v1"), want(harness.AnswerIs, "doc-3")...))
	denies(t, d, nil, want(harness.BuildIs, "v2")[0], `says that its build is "v1", not "v2"`)
	denies(t, d, nil, want(harness.AnswerIs, "doc-2")[0], `answers question q3 with "doc-3", not "doc-2"`)

	api.build.Store(&fakeBuild{"v2", "doc-2"})
	holds(t, d, nil, append(want(harness.BuildIs, "v2"), want(harness.AnswerIs, "doc-2")...))
	api.build.Store(&fakeBuild{"", ""})
	denies(t, d, nil, want(harness.BuildIs, "v2")[0], `its build is ""`)
	denies(t, d, nil, want(harness.AnswerIs, "doc-2")[0], "finds nothing for question q3")
}

func TestNoAnswerIsNoBuild(t *testing.T) {
	ours := newAuthority(t)
	denies(t, apiBehind(ours, refusing(t)), nil, want(harness.BuildIs, "v1")[0], "request is refused")
	denies(t, apiBehind(ours, listen(t).Addr().String()), nil, want(harness.BuildIs, "v1")[0], "request gets no answer")
	garbage := serveTLS(t, ours.issue(entryName, -time.Hour, day), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>")
	}))
	denies(t, apiBehind(ours, garbage), nil, want(harness.BuildIs, "v1")[0], "cannot be read")
}
