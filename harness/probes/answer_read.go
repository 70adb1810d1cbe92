package probes

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"blackstart/harness"
)

// maxName bounds an id, a namespace or a name in an answer, in bytes: an observation is one line of bounded length.
const maxName = 200

// read fills in what came back. An answer that lacks something, or has more than was asked for, is not well-formed.
func read(body []byte, into *harness.Answer) error {
	var came struct {
		Region   string    `json:"region"`
		Build    string    `json:"build"`
		DataAsOf time.Time `json:"data_as_of"`
		Results  []struct {
			ID        string `json:"id"`
			Namespace string `json:"namespace"`
			Title     string `json:"title"`
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &came); err != nil {
		return err
	}
	switch {
	case !named(came.Region) || !named(came.Build):
		return errors.New("it names no region or no build")
	case came.DataAsOf.Unix() <= 0:
		return errors.New("it does not say how old its data is (data_as_of)")
	case came.Results == nil:
		return errors.New("it has no results")
	case len(came.Results) > answersK:
		return fmt.Errorf("it has %d results, %d were asked for", len(came.Results), answersK)
	}
	for _, r := range came.Results {
		if !named(r.ID) || !named(r.Namespace) {
			return errors.New("a result has no id or no namespace")
		}
	}
	into.Region, into.Build, into.DataAsOf = came.Region, came.Build, harness.Stamp(came.DataAsOf.UnixNano())
	for i, r := range came.Results {
		if i == 0 {
			into.First = r.ID
		}
		if r.Namespace != into.Namespace {
			into.Foreign = append(into.Foreign, r.ID)
		}
		if into.Question == markerQuestion.ID && r.ID == markerQuestion.Right && into.Version == 0 {
			into.Version = versionOf(r.Title)
		}
	}
	return nil
}

// named tells whether a name is one that fits on a line.
func named(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, unicode.IsControl)
}
