// Package loads makes the loads of a scenario: each workload with its parameters, as seen from the place where its clients
// stand, and with its files among those that go into the pack.
//
// It dials nothing before a load is started, and it judges nothing: the samples and ledgers it leaves are all that is said of a load.
package loads

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

// leadIn is the time between the start of a load and its first due request.
const leadIn = 50 * time.Millisecond

// Open prepares one load of a scenario: its configuration from the target's description, its files in the bag. It uses as
// many stream ids, from id on, as it returns.
func Open(id int, spec harness.LoadSpec, s harness.RunningTarget) (harness.Load, int, error) {
	run, err := uuid.Parse(s.RunID)
	if err != nil {
		return nil, 0, err
	}
	workload, err := workloadOf(spec)
	if err != nil {
		return nil, 0, err
	}
	l := &load{spec: spec, workload: workload, traits: workload.Traits(), s: s, config: workloads.Config{
		Run: run, Stream: uint32(id), Clock: loadgen.Clock{Anchor: s.Clock.Anchor().Time(), Now: s.Clock.SinceAnchor},
		Timeout: spec.Timeout.D(),
	}}
	var ok bool
	if l.config.Rate, ok = spec.Rate.WholePerSecond(); !ok {
		return nil, 0, fmt.Errorf("rate %s is not a whole number of operations a second", spec.Rate)
	}
	if err := l.place(); err != nil {
		return nil, 0, err
	}
	if err := l.limit(s.Target.LoadLimits); err != nil {
		return nil, 0, err
	}
	return l, 1, nil
}

// workloadOf makes the workload of a load, with its parameters.
func workloadOf(spec harness.LoadSpec) (workloads.Workload, error) {
	kind, ok := workloads.Workloads.Get(spec.Workload)
	if !ok {
		return nil, fmt.Errorf("there is no workload %q", spec.Workload)
	}
	w, err := kind.Make(spec.With)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", spec.ID, err)
	}
	if b, ok := w.(workloads.Beside); ok && spec.Beside != nil {
		if err := b.ReadBeside(spec.Beside); err != nil {
			return nil, fmt.Errorf("load %s: %s: %w", spec.ID, spec.BesideName(), err)
		}
	}
	return w, nil
}

// Traits says what a load is; false where there is no such workload, or none with these parameters.
func Traits(spec harness.LoadSpec) (harness.Traits, bool) {
	w, err := workloadOf(spec)
	if err != nil {
		return harness.Traits{}, false
	}
	return w.Traits(), true
}

// Reads tells whether the clients of a load leave nothing behind at the public entry of a target: whatever does not say so writes.
func Reads(spec harness.LoadSpec, at harness.Entry) bool {
	w, err := workloadOf(spec)
	r, ok := w.(workloads.Reader)
	if err != nil || !ok {
		return false
	}
	e := workloads.Entry{}
	if u, err := url.Parse(at.URL); err == nil && at.URL != "" {
		e.Path = u.RequestURI()
	}
	return r.Reads(e)
}

// Keeper is what keeps the ledger of a load; false where it keeps none.
func Keeper(spec harness.LoadSpec) (workloads.Keeper, bool) {
	w, err := workloadOf(spec)
	if err != nil {
		return nil, false
	}
	k, ok := w.(workloads.Keeper)
	return k, ok
}

// load is one load of a scenario at work.
type load struct {
	spec     harness.LoadSpec
	workload workloads.Workload
	traits   harness.Traits
	config   workloads.Config
	s        harness.RunningTarget
	running  *workloads.Running
	files    []*os.File
	ids      *workloads.IDBook // of the ids that the system gives; nil: its writes go by ours
}

// Entry is the public entry of a target as clients that stand outside see it.
func Entry(s harness.RunningTarget) (workloads.Entry, error) {
	of := s.Target.Entry
	e := workloads.Entry{Name: of.Name, Resolver: of.Resolver, Port: of.Port}
	if of.CAPEM != "" {
		e.RootCAs = x509.NewCertPool()
		if !e.RootCAs.AppendCertsFromPEM([]byte(of.CAPEM)) {
			return e, errors.New("the target's certificate authority cannot be read")
		}
	}
	if of.URL == "" {
		return e, nil
	}
	a, err := s.Access(harness.Outside, harness.EntryName) // how it is asked its own people say
	if err != nil {
		return e, err
	}
	u, err := url.Parse(of.URL)
	if err != nil {
		return e, errors.New("the URL of the entry is none")
	}
	e.Scheme, e.Name, e.TLS, e.Headers, e.Status, e.Path = u.Scheme, u.Hostname(), a.TLS, a.Headers, of.Status, u.RequestURI()
	return e, nil
}

// entry fills in the public entry for a load that goes there.
func (l *load) entry() error {
	s := l.s
	if l.traits.Speaks != "" {
		s.Target.Entry.URL = "" // nobody asks there
	}
	var err error
	if l.config.Entry, err = Entry(s); err != nil || !l.traits.Questions {
		return err
	}
	e := &l.config.Entry
	e.Path = "" // those have a path of their own
	for _, q := range s.Target.Questions {
		e.Questions = append(e.Questions, workloads.Question{ID: q.ID, Namespace: q.Namespace, Text: q.Text, Right: q.Right})
	}
	return nil
}

// place fills in what the clients of the load dial, as seen from where they stand.
func (l *load) place() error {
	t := &l.s.Target
	if err := l.entry(); err != nil {
		return err
	}
	place := harness.Outside
	switch l.spec.Place {
	case harness.Primary, harness.Standby:
		region, ok := t.RegionByRole(l.spec.Place)
		if !ok {
			return fmt.Errorf("the target has no %s region to stand in", l.spec.Place)
		}
		place = region.Name
	}
	at, _ := harness.RolePlace(harness.PlacesOf(*t), l.spec.Place)
	l.config.Place = loadgen.Place(at) //nolint:gosec // below the length of the table
	if l.traits.Speaks == "" {
		return nil
	}
	logins := map[string]workloads.Login{} // each its own: a server's name and password are those of one region
	l.config.Database.Logins = logins
	for _, c := range t.Components {
		if c.Kind != l.traits.Speaks || (place != harness.Outside && c.Region != place) {
			continue
		}
		a, err := l.s.Access(place, c.Name)
		if err != nil {
			return err
		}
		l.config.Database.Addresses = append(l.config.Database.Addresses, a.Address)
		logins[a.Address] = workloads.Login{User: a.User, Password: a.Password, Name: a.Database, TLS: a.TLS, Auth: a.Auth, Identity: a.Identity}
	}
	return nil
}

func (l *load) path(kind string) string {
	switch kind {
	case "ledger":
		return "ledger/" + l.spec.ID + ".bin"
	case "ids":
		return "ledger/" + l.spec.ID + ".ids.jsonl"
	}
	return "samples/" + l.spec.ID + ".bin"
}

func (l *load) create(kind string) (*os.File, error) {
	path := filepath.Join(l.s.DataDir, filepath.FromSlash(l.path(kind)))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(path)
	if err == nil {
		l.files = append(l.files, f)
	}
	return f, err
}

// Start begins the load; its first request is due a moment later, so that none is late from the start.
func (l *load) Start(ctx context.Context) error {
	files := workloads.Files{}
	f, err := l.create("samples")
	if err != nil {
		return err
	}
	files.Samples = f
	if l.traits.Ledger {
		if f, err = l.create("ledger"); err != nil {
			return err
		}
		files.Ledger = f
	}
	if named, ok := l.workload.(workloads.Named); ok && named.GivenIDs() {
		if f, err = l.create("ids"); err != nil {
			return err
		}
		l.ids = workloads.NewIDBook(f)
		named.Keep(l.ids)
	}
	l.config.Start = l.s.Clock.SinceAnchor() + int64(leadIn)
	l.running, err = workloads.Start(ctx, l.workload, l.config, files)
	return err
}

func (l *load) Stop() { l.running.Stop() }

// Flush says how far the files of the load have come.
func (l *load) Flush() ([]harness.Written, error) {
	samples, ledger, err := l.running.Flush()
	all := []harness.Written{{File: "data/" + l.path("samples"), Kind: "samples", Records: samples.Records, Waiting: samples.Waiting}}
	if l.traits.Ledger {
		all = append(all, harness.Written{File: "data/" + l.path("ledger"), Kind: "ledger", Records: ledger.Records, Waiting: ledger.Waiting})
	}
	return all, err
}

// Wait returns the streams of the load once their files are closed.
func (l *load) Wait() ([]harness.Stream, error) {
	stats, err := l.running.Wait()
	if l.ids != nil {
		err = errors.Join(err, l.ids.Flush())
	}
	for _, f := range l.files {
		err = errors.Join(err, f.Close())
	}
	base := harness.Stream{
		ID: int(l.config.Stream), Load: l.spec.ID, Workload: l.spec.Workload, Place: int(l.config.Place), Host: int(l.config.Host), Recorded: &l.traits, Cohorts: CohortNames(l.traits),
		StartNS: l.config.Start, Freq: l.config.Rate, PerNS: int64(time.Second), StopNS: stats.Stopped + 1,
		TimeoutNS: int64(l.config.Timeout), Closed: stats.Closed,
	}
	samples := base
	samples.Kind, samples.File, samples.Count = "samples", "data/"+l.path("samples"), int(stats.Due)
	streams := []harness.Stream{samples}
	if l.traits.Ledger {
		attempts := base
		attempts.Kind, attempts.File = "ledger", "data/"+l.path("ledger")
		if l.ids != nil {
			attempts.IDs = "data/" + l.path("ids")
		}
		if f, openErr := os.Open(filepath.Join(l.s.DataDir, l.path("ledger"))); openErr == nil {
			h, headErr := loadgen.ReadHeader(f)
			attempts.Count = int(h.Count)
			err = errors.Join(err, headErr, f.Close())
		}
		streams = append(streams, attempts)
	}
	return streams, err
}

// CohortNames gives the name of cohort n at index n; sample.cohort is the number, whichever cohorts are played.
func CohortNames(t harness.Traits) []string {
	if t.Cohorts == nil {
		return []string{workloads.Fresh.String()}
	}
	var names []string
	for _, c := range workloads.AllCohorts() {
		names = append(names, c.String())
	}
	if slices.ContainsFunc(t.Cohorts, func(c string) bool { return !slices.Contains(names, c) }) {
		return t.Cohorts // a workload with cohorts of its own numbers them as it names them
	}
	return names
}

// Live is what the last seconds looked like.
func (l *load) Live() harness.LoadSnapshot {
	v := l.running.Live()
	seen := 0
	for _, c := range v.Cohorts {
		seen += int(c.Count)
	}
	return harness.LoadSnapshot{Load: l.spec.ID, Due: int(v.Due), Results: seen, Success: v.Success, P99: v.P99}
}
