// Package probes asks the target one question at a time, again and again, and writes down every answer with the interval
// in which it was given: one file per probe.
//
// "Unreachable" is an answer; a probe never retries in silence, never fills a gap, and never judges. It writes to the
// target only rows of the table blackstart.heartbeat and, where the scenario asks how old answers are and the target has
// questions with known answers and is not a production one, the marker: one document of the target's own data, by its public
// entry (see answers.known).
package probes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	"blackstart/harness"
	"blackstart/internal/distrust"
	"blackstart/internal/registry"
	"blackstart/internal/shortage"

	"github.com/jackc/pgx/v5/pgconn"
)

// Factory makes one kind of probe.
type Factory interface {
	// Open prepares a probe and looks up what it needs in the description. It does not ask the target: one that is down
	// gives answers, not an error.
	Open(ctx context.Context, config harness.ProbeConfig) (harness.Probe, error)
	// Every is the pace at which the probe is meant to be asked, where nobody says otherwise.
	Every() time.Duration
	// Traits say what it can be asked of, and what it needs.
	Traits() harness.ProbeTraits
}

// Probes holds every kind of probe.
var Probes registry.Registry[Factory]

// Limits of a question.
const (
	askTimeout = time.Second // longest wait for an answer; after this the target counts as unreachable
	maxDetail  = 300         // bytes of an observation's detail
)

// Units of observations.
const (
	unitNS    = "ns"
	unitBytes = "bytes"
	unitBool  = "bool"
	unitCount = "count"
)

// localEnd is the dialling end in an error's text; its port differs every time.
var localEnd = regexp.MustCompile(`\S+:\d+->`)

// reason says in few words why there was no good answer, without addresses that differ from one attempt to the next.
func reason(err error) string {
	var answered *pgconn.PgError
	var network net.Error
	switch {
	case err == nil:
		return ""
	case shortage.Note("a probe", err):
		return shortage.Prefix + shortage.Of(err)
	case errors.As(err, &answered):
		return truncate(fmt.Sprintf("SQLSTATE %s: %s", answered.Code, answered.Message))
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	}
	if wrong := certificateReasons[distrust.Of(err)]; wrong != "" {
		return wrong
	}
	return truncate(localEnd.ReplaceAllString(err.Error(), ""))
}

// truncate makes a detail one line of valid UTF-8 of bounded length.
func truncate(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "")
	}
	return s
}

// region finds the region that the config names, or, if it names none, the one with the role.
func region(config harness.ProbeConfig, role string) (harness.Region, error) {
	if config.Region == "" {
		if r, ok := config.Target.RegionByRole(role); ok {
			return r, nil
		}
		return harness.Region{}, fmt.Errorf("target %s has no %s region", config.Target.Name, role)
	}
	for _, r := range config.Target.Regions {
		if r.Name == config.Region {
			return r, nil
		}
	}
	return harness.Region{}, fmt.Errorf("target %s has no region %q", config.Target.Name, config.Region)
}

// checked refuses a config that no probe can work with.
func checked(config harness.ProbeConfig, wantsAccess bool) error {
	if config.Clock == nil {
		return errors.New("no clock given")
	}
	if wantsAccess && config.Access == nil {
		return errors.New("no access to databases given")
	}
	return nil
}
