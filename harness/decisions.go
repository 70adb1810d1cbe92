package harness

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// maxDecisionLine bounds one line of a target's own log, in bytes.
const maxDecisionLine = 1 << 20

// ReadDecisions reads the first lines, at most so many, of a target's own log: JSON with at, event and detail. With an error, what
// came before it is returned too.
func ReadDecisions(r io.Reader, most int) ([]Decision, error) {
	var all []Decision
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxDecisionLine)
	for len(all) < most && lines.Scan() {
		d, err := parseDecision(lines.Bytes())
		if err != nil {
			return all, fmt.Errorf("line %d: %w", len(all)+1, err)
		}
		all = append(all, d)
	}
	return all, lines.Err()
}

// parseDecision reads one line. A detail that is text stands as it is, all else as its JSON.
func parseDecision(line []byte) (Decision, error) {
	var raw struct {
		At     time.Time                  `json:"at"`
		Event  string                     `json:"event"`
		Detail map[string]json.RawMessage `json:"detail"`
	}
	if err := json.Unmarshal(line, &raw); err != nil {
		return Decision{}, err
	}
	d := Decision{At: Stamp(raw.At.UnixNano()), Event: raw.Event, Detail: make(map[string]string, len(raw.Detail))}
	for k, v := range raw.Detail {
		var text string
		if json.Unmarshal(v, &text) != nil {
			text = string(v)
		}
		d.Detail[k] = text
	}
	return d, nil
}
