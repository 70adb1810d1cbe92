package postgres

import (
	"fmt"
	"slices"
	"strings"
)

// ServerSettings returns the settings that every rehearsal server has, "name = value", for one that is not started here.
func ServerSettings() []string { return slices.Clone(settings) }

// ParseHistory reads a timeline history file, NNNNNNNN.history, into the last fork in it.
func ParseHistory(name string, content []byte) (Fork, error) {
	fork, err := parseHistory(strings.TrimSuffix(name, ".history"), content)
	if err != nil {
		return Fork{}, fmt.Errorf("read the timeline history %s: %w", name, err)
	}
	return fork, nil
}
