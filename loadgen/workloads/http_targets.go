package workloads

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Beside is a workload whose parameters may name a file that lies beside the scenario.
type Beside interface {
	// ReadBeside takes the file's bytes. What is wrong with them is a *BesideError.
	ReadBeside(data []byte) error
}

// BesideError is what is wrong with a line of a file beside a scenario, and what to write instead.
type BesideError struct {
	Line        int // from 1
	Wrong, Hint string
}

func (e *BesideError) Error() string { return fmt.Sprintf("line %d %s: %s", e.Line, e.Wrong, e.Hint) }

// Limits of a file of targets.
const (
	maxTargets      = 1000
	maxTargetsBytes = 60 << 10 // its parser takes no line that is longer
)

// ReadBeside implements Beside: the requests of a vegeta targets file, in its http or its JSON format.
func (q *httpRequest) ReadBeside(data []byte) error {
	parts, err := partsOf(data)
	if err != nil {
		return err
	}
	q.targets = nil
	for _, p := range parts {
		t, line, err := p.target()
		if err != nil {
			return &BesideError{line, "is no target of vegeta's: " + err.Error(), "write it as `vegeta attack -targets` reads it"}
		}
		one, wrong, hint := targetRequest(t)
		if wrong != "" {
			return &BesideError{p.from(), "begins a target that " + wrong, hint}
		}
		w := &one.with
		w.Status, w.Pointer, w.Is, w.Matches = q.with.Status, q.with.Pointer, q.with.Is, q.with.Matches
		q.targets = append(q.targets, one)
	}
	return nil
}

// part is the lines of one target, without comments, each with its number.
type part struct {
	json    bool
	lines   []string
	numbers []int
}

// from is the number of its first line.
func (p part) from() int { return p.numbers[0] }

// partsOf splits a file of targets into single ones; its bounds are ours.
func partsOf(data []byte) (all []part, err error) {
	if len(data) > maxTargetsBytes {
		return nil, &BesideError{1, fmt.Sprintf("begins a file of more than %d bytes", maxTargetsBytes), "write fewer targets"}
	}
	json := bytes.HasPrefix(bytes.TrimSpace(data), []byte("{"))
	ended := true // the target before: a line without anything ends it
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			ended = true
			continue
		case line[0] == '#' && !json:
			continue
		case line[0] == '@' && !json:
			return nil, &BesideError{i + 1, "names a file with a body, and a drill reads no other file", "write the target in vegeta's JSON format, with the body in base64"}
		case json || ended || begins(line):
			if len(all) == maxTargets {
				return nil, &BesideError{i + 1, "begins one target too many", fmt.Sprintf("write at most %d", maxTargets)}
			}
			all = append(all, part{json: json})
		}
		ended = false
		last := &all[len(all)-1]
		last.lines, last.numbers = append(last.lines, line), append(last.numbers, i+1)
	}
	if len(all) == 0 {
		return nil, &BesideError{1, "begins a file without a target", "write one such as GET https://orders.example.com/orders"}
	}
	return all, nil
}

// begins tells whether a line of the http format begins a target: a header has a colon right after its name.
func begins(line string) bool {
	method, _, ok := strings.Cut(line, " ")
	return ok && !strings.Contains(method, ":") && strings.ToUpper(method) == method
}

// target reads it by vegeta's own parser. That names no line: the first line without which it would be read is the one that is wrong.
func (p part) target() (t vegeta.Target, line int, err error) {
	for n := 1; n <= len(p.lines); n++ {
		in := strings.NewReader(strings.Join(p.lines[:n], "\n") + "\n")
		next := vegeta.NewHTTPTargeter(in, nil, nil)
		if p.json {
			next = vegeta.NewJSONTargeter(in, nil, nil)
		}
		all, err := vegeta.ReadAllTargets(next)
		switch {
		case err != nil:
			return t, p.numbers[n-1], err
		case len(all) != 1:
			return t, p.numbers[n-1], errors.New("it is not one target")
		}
		t = all[0]
	}
	return t, 0, nil
}

// targetRequest is one target as a request to the entry; wrong says why it is none.
func targetRequest(t vegeta.Target) (one *httpRequest, wrong, hint string) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, "has a URL that cannot be asked for", "write one such as https://orders.example.com/orders"
	}
	_, path, _ := strings.Cut(t.URL, u.Host)
	one = &httpRequest{with: requestWith{Method: t.Method, Path: cmp.Or(path, "/"), Body: string(t.Body)}, host: hostOf(u)}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, t.Method) {
		return nil, "has the method " + t.Method, "write GET, POST, PUT, PATCH or DELETE"
	}
	for _, name := range slices.Sorted(maps.Keys(t.Header)) {
		for _, value := range t.Header[name] {
			one.with.Headers = append(one.with.Headers, requestHeader{name, value})
		}
	}
	if key, wrong, hint := one.Wrong(); wrong != "" {
		return nil, "has a " + key + " that " + wrong, hint
	}
	return one, "", ""
}

// hostOf is where a URL leads: scheme, name and port.
func hostOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.TrimSuffix(u.Hostname(), "."), port)
}

// errElsewhere is a target that does not lead to the entry.
var errElsewhere = errors.New("open workload: a target leads elsewhere than to the entry")

// leads tells whether all targets lead to an entry.
func (q *httpRequest) leads(e Entry) error {
	entry := cmp.Or(e.Scheme, "https") + "://" + net.JoinHostPort(strings.TrimSuffix(e.Name, "."), strconv.Itoa(e.Port))
	for _, host := range q.Hosts() {
		if host != entry {
			return fmt.Errorf("%w: %s, and not %s", errElsewhere, host, entry)
		}
	}
	return nil
}

// Hosts are where the targets of its file lead, each as scheme://name:port.
func (q *httpRequest) Hosts() (all []string) {
	for _, t := range q.targets {
		if !slices.Contains(all, t.host) {
			all = append(all, t.host)
		}
	}
	return all
}
