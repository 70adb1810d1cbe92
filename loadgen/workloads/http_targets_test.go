package workloads

import (
	"errors"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/loadgen"
)

// The requests of a vegeta file are sent as they stand there, in turn, and what may change something is known by its method and path.
func TestTargetsOfAFile(t *testing.T) {
	service := &asked{}
	s := httptest.NewServer(service)
	defer s.Close()
	for name, text := range map[string]string{
		"http": "# a comment\nGET URL/orders?limit=1\nX-Case: a\n# another\nX-Key: k\n\n\nDELETE URL/orders/{uuid}\nPATCH URL\n",
		"json": `{"method":"GET","url":"URL/orders?limit=1","header":{"X-Case":["a"],"X-Key":["k"]}}` + "\n\n" +
			`{"method":"DELETE","url":"URL/orders/{uuid}"}` + "\n" + `{"method":"PATCH","url":"URL","body":"aGk="}`,
	} {
		t.Run(name, func(t *testing.T) {
			service.came = nil
			q := &httpRequest{with: requestWith{Targets: "a.targets", Matches: "."}}
			if err := q.ReadBeside([]byte(strings.ReplaceAll(text, "URL", s.URL))); err != nil {
				t.Fatal(err)
			}
			if got := q.Traits(); !slices.Equal(got.Requests, []string{"DELETE /orders/{uuid}", "PATCH /"}) || got.Writes != 1 {
				t.Errorf("%+v", got)
			}
			op, err := q.Open(Config{Timeout: time.Second, Entry: entryOf(t, s)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer op.(io.Closer).Close()
			for seq := range uint64(4) {
				op.Do(t.Context(), loadgen.Slot{Seq: seq})
			}
			want := []string{"GET /orders?limit=1 k a ", "DELETE /orders/", "PATCH /   ", "GET /orders?limit=1 k a "}
			if len(service.came) != 4 {
				t.Fatalf("%q", service.came)
			}
			for i, came := range service.came {
				if !strings.HasPrefix(came, want[i]) || strings.ContainsAny(came, "{}") {
					t.Errorf("%q came, not %q", came, want[i])
				}
			}
			if body := strings.HasSuffix(service.came[2], "hi"); body != (name == "json") {
				t.Errorf("%q", service.came[2])
			}
			other := entryOf(t, s)
			other.Port++
			if _, err := q.Open(Config{Entry: other}, nil); !errors.Is(err, errElsewhere) {
				t.Errorf("another entry: %v", err)
			}
		})
	}
	if _, err := (&httpRequest{with: requestWith{Targets: "a.targets"}}).Open(Config{Entry: entryOf(t, s)}, nil); err == nil {
		t.Error("a file that nobody read is sent")
	}
}

// What is wrong with a file is told with its line.
func TestBadTargets(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "line 1 begins a file without a target",
		"# nothing":                        "line 1 begins a file without a target",
		"/orders":                          "line 1 is no target of vegeta's",
		"GET http://a/\nX-Case a":          "line 2 is no target of vegeta's: bad header",
		"\nGET http://a/\n\nget http://a/": "line 4 is no target of vegeta's",
		"GET http://a/\nGET orders":        "line 2 is no target of vegeta's: bad URL",
		"GET /orders":                      "line 1 begins a target that has a URL that cannot be asked for",
		"GET http://u:p@a/":                "has a URL that cannot be asked for",
		"HEAD http://a/":                   "line 1 begins a target that has the method HEAD",
		"GET http://a/\nHost: b":           "line 1 begins a target that has a headers that hold Host",
		"POST http://a/\n@/etc/passwd":     "line 2 names a file with a body",
		`{"method":"GET"}`:                 "line 1 is no target of vegeta's: target: required url is missing",
		"{\"method\":\"GET\",\"url\":\"http://a/\"}\n{":        "line 2 is no target of vegeta's",
		`{"method":"GET","url":"http://a/","body":"aGk="}`:     "has a body that is sent by no GET",
		strings.Repeat("GET http://a/\n", maxTargets+1):        "line 1001 begins one target too many",
		"GET http://a/" + strings.Repeat("x", maxTargetsBytes): "begins a file of more than",
	} {
		var bad *BesideError
		err := (&httpRequest{}).ReadBeside([]byte(text))
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) || bad.Hint == "" {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
	q := &httpRequest{with: requestWith{Targets: "a", Path: "/b"}}
	if key, _, _ := q.Wrong(); key != "targets" {
		t.Error("two ways to say what is asked")
	}
}

// FuzzTargets: whatever a file holds, it is read or refused with a line of it; what is read can be sent.
func FuzzTargets(f *testing.F) {
	for _, seed := range []string{"GET http://a/\nX: y\n\nPOST http://a/b?c=d", `{"method":"GET","url":"http://a/{uuid}","header":{"X":["y"]}}`, "@/etc/passwd", "GET http://[::1]:1/"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		q := &httpRequest{with: requestWith{Targets: "a"}}
		err := q.ReadBeside(data)
		var bad *BesideError
		if errors.As(err, &bad) && (bad.Line < 1 || bad.Line > strings.Count(string(data), "\n")+1) || err != nil && bad == nil {
			t.Fatalf("%v", err)
		}
		for _, one := range q.targets {
			if r := one.asked(Entry{Name: "a", Port: 1}, false); err == nil && strings.Count(string(r.wire), "\r\n\r\n") < 1 {
				t.Fatalf("%q", r.wire)
			}
		}
	})
}
