package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"blackstart/cmd/finrag/internal/durable"
)

// Phase is where the controller stands. It is written to the state file before the work of the phase begins.
type Phase string

// The phases, in the order of a failover. From PhaseDeclared to PhaseVerifying a restart goes on where it was.
const (
	PhaseWatching   Phase = "watching"
	PhaseSuspecting Phase = "suspecting" // checks fail, not yet enough of them
	PhaseDetected   Phase = "detected"   // enough failed; being confirmed
	PhaseDeclared   Phase = "declared"   // pre-flight runs
	PhaseFencing    Phase = "fencing"
	PhasePromoting  Phase = "promoting"
	PhaseSwitching  Phase = "switching"
	PhaseVerifying  Phase = "verifying"
	PhaseFailedOver Phase = "failed-over" // nothing more to do
	PhaseRefused    Phase = "refused"     // people were called
)

// State is what the state file holds, and GET /state shows.
type State struct {
	Phase         Phase      `json:"phase"`
	Incident      string     `json:"incident,omitempty"`
	Decision      string     `json:"decision,omitempty"`
	Requested     bool       `json:"requested,omitempty"`       // an operator asked for the failover
	FirstFailedAt *time.Time `json:"first_failed_at,omitempty"` // start of the first failed check
	DetectedAt    *time.Time `json:"detected_at,omitempty"`
	DeclaredAt    *time.Time `json:"declared_at,omitempty"`
	EndedAt       *time.Time `json:"ended_at,omitempty"`
	Basis         *Sample    `json:"basis,omitempty"` // the readiness sample pre-flight judges

	Troubles map[string]Trouble `json:"troubles,omitempty"` // open incidents beside the failover's own, by subject
}

func (s State) failingOver() bool {
	switch s.Phase {
	case PhaseDeclared, PhaseFencing, PhasePromoting, PhaseSwitching, PhaseVerifying:
		return true
	}
	return false
}

func readState(path string) (State, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return State{Phase: PhaseWatching}, nil
	}
	var s State
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err == nil && s.Phase == "" {
		err = errors.New("it names no phase")
	}
	if err != nil {
		return State{}, fmt.Errorf("read controller state %s: %w; find out by hand which region is primary before you delete it", path, err)
	}
	return s, nil
}

func (s State) write(path string) error {
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode controller state: %w", err)
	}
	return durable.WriteFile(path, b)
}
