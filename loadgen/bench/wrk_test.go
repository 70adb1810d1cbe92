package main

import (
	"strings"
	"testing"
	"time"
)

const wrkText = `Running 2s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   499.52us  100.00us   2.00s    97.30%
    Req/Sec    63.18k     4.81k   70.65k    75.00%
  Latency Distribution
     50%  450.00us
     75%  480.00us
     90%  510.00us
     99%    1.38ms
  126000 requests in 2.00s, 16.42MB read
  Socket errors: connect 0, read 0, write 0, timeout 3
  Non-2xx or 3xx responses: 6000
Requests/sec:  62812.31
Transfer/sec:      8.19MB
`

func TestReadWrk(t *testing.T) {
	got, err := readWrk(wrkText)
	if want := (wrkReport{Good: 120_000, P99: 1380 * time.Microsecond}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	for name, text := range map[string]string{
		"nothing":           "",
		"no distribution":   strings.ReplaceAll(wrkText, "99%", "98%"),
		"no total":          strings.ReplaceAll(wrkText, "requests in", "answers in"),
		"no good answer":    strings.ReplaceAll(wrkText, ": 6000", ": 126000"),
		"more bad than all": strings.ReplaceAll(wrkText, ": 6000", ": 126001"),
	} {
		if got, err := readWrk(text); err == nil {
			t.Errorf("%s: read %+v", name, got)
		}
	}
}

func TestWrkThatIsNotThereIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := findWrk(t.Context()); err == nil || !strings.Contains(err.Error(), "apt-get install wrk") {
		t.Errorf("%v", err)
	}
}
