package conformance

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/victim"
	"blackstart/internal/pgdial"
)

// within bounds each check of links and components.
const within = 10 * time.Second

// wholeWay goes through what a drill does with a region that is cut off, in its order, on one started target.
func (target Target) wholeWay(t *testing.T) {
	b := target.start(t, settings())
	for _, step := range []struct {
		name string
		do   func(*testing.T, *fixture)
	}{
		{"describes itself", describes},
		{"every link answers", everyLinkAnswers},
		{"every check answers", everyCheckAnswers},
		{"refuses what it cannot do", refuses},
		{"cuts one way and restores", oneWay},
		{"cuts one link and no other", oneLink},
		{"the private path outlives a cut", privatePath},
		{"the runbook's call fails over", runbook},
		{"a fence holds", fence},
		{"restores", restore},
		{"an autopsy reads what was left", oracle},
		{"stops, twice", stops},
		{"keeps logs without secrets", logs},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(t, b) }) {
			return // every step stands on the one before
		}
	}
}

func describes(t *testing.T, b *fixture) {
	d := b.about
	for _, c := range d.Components {
		if c.Version == "" || len(c.SHA256) != 64 || (c.Kind == "postgres" || c.Kind == "api") != (c.Identity != "") {
			t.Errorf("component %+v", c)
		}
	}
	for _, l := range d.Links {
		if _, _, err := net.SplitHostPort(l.Address); err != nil {
			t.Errorf("link %+v: %v", l, err)
		}
		if l.From != harness.Outside {
			continue
		}
		to, _ := d.ComponentByName(l.To)
		if _, port, _ := net.SplitHostPort(l.Address); to.Kind == "api" && port != fmt.Sprint(d.Entry.Port) {
			t.Errorf("API behind %s listens on %s, the entry point is port %d", l.Name, port, d.Entry.Port)
		}
	}
	if len(d.Channels) != 4 || !d.Channels[0].Muted || d.Channels[1].Muted || d.Environment != harness.Rehearsal ||
		d.Timings.Profile != "fast" || !slices.Contains(d.Provides, "alert.pagerduty") || d.Settings["documents"] != "20" {
		t.Errorf("description %+v", d)
	}
	if len(d.Builds) != 2 || d.Builds[0].Name != harness.BuildCurrent || d.Builds[0].Version == d.Builds[1].Version ||
		len(d.Builds[1].SHA256) != 64 || len(d.Questions) < 4 || !slices.Contains(d.Provides, "code.builds") {
		t.Errorf("builds %+v, %d questions", d.Builds, len(d.Questions))
	}
	outline, err := b.New().Outline(settings())
	must(t, err)
	if outline.Kind != d.Kind || len(outline.Links) != len(d.Links) || len(outline.Components) != len(d.Components) {
		t.Errorf("the outline is of another target: %+v", outline)
	}
}

// await asks as a drill does.
func (b *fixture) await(kind harness.CheckKind, on ...string) error {
	var checks []harness.Check
	for _, name := range on {
		checks = append(checks, harness.Check{Kind: kind, On: name})
	}
	_, err := victim.Await(context.Background(), b.about, b.driver, checks, within, harness.NewClock())
	return err
}

func (b *fixture) do(t *testing.T, a harness.Action) {
	t.Helper()
	began := time.Now()
	must(t, b.driver.Execute(context.Background(), a))
	t.Logf("%s took %v", a.Kind, time.Since(began).Round(time.Millisecond))
}

func (b *fixture) linksOf(region string) (names []string) {
	for _, l := range b.about.LinksOf(region) {
		names = append(names, l.Name)
	}
	return names
}

func (b *fixture) dial(place, component string) (*pgx.Conn, error) {
	a, err := b.driver.Access(place, component)
	if err != nil {
		return nil, err
	}
	return dial(a)
}

func dial(a harness.Access) (*pgx.Conn, error) {
	return pgdial.Connect(context.Background(), pgdial.Params{
		Address: a.Address, User: a.User, Password: a.Password, Database: a.Database, Timeout: 2 * time.Second,
	})
}

func (b *fixture) connect(t *testing.T, place, component string) *pgx.Conn {
	t.Helper()
	conn, err := b.dial(place, component)
	must(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func (b *fixture) exec(t *testing.T, place, component string, statements ...string) {
	t.Helper()
	conn := b.connect(t, place, component)
	for _, sql := range statements {
		_, err := conn.Exec(context.Background(), sql)
		must(t, err)
	}
}

func everyLinkAnswers(t *testing.T, b *fixture) {
	var names []string
	for _, l := range b.about.Links {
		names = append(names, l.Name)
	}
	must(t, b.await(harness.LinkAnswers, names...))
	b.exec(t, "east", "east.db", "CREATE SCHEMA blackstart", "CREATE TABLE blackstart.ledger (id bigint primary key)",
		"INSERT INTO blackstart.ledger VALUES (1)")
	eventually(t, "replication", func() error { return b.count("west", "west.db", 1) })
}

func (b *fixture) count(place, component string, want int) error {
	conn, err := b.dial(place, component)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	var n int
	if err := conn.QueryRow(context.Background(), "SELECT count(*) FROM blackstart.ledger").Scan(&n); err != nil {
		return err
	}
	if n != want {
		return fmt.Errorf("the ledger of %s holds %d rows, want %d", component, n, want)
	}
	return nil
}

func refuses(t *testing.T, b *fixture) {
	for _, bad := range []harness.Action{
		{Kind: harness.LinkCut},
		{Kind: harness.LinkCut, Links: []string{"outside→north.api"}},
		{Kind: harness.LinkCut, Links: []string{"outside→east.api"}, Region: "west", Direction: harness.In},
		{Kind: harness.LinkCut, Links: []string{"outside→east.api"}, Direction: "sideways"},
		{Kind: harness.LinkHeal, Links: []string{"outside→east.api", "outside→north.api"}},
		{Kind: harness.ComponentKill},
		{Kind: harness.ComponentKill, Components: []string{"east.cache"}},
		{Kind: harness.ComponentFence, Components: []string{"east.api"}},
		{Kind: harness.RunbookCall, Call: "pray"},
		{Kind: harness.SQLRun, Components: []string{"east.db"}},
		{Kind: harness.SQLRun, Components: []string{"east.api"}, SQL: "SELECT 1"},
		{Kind: harness.CertificateSwap, Components: []string{"east.api"}},
		{Kind: harness.CertificateSwap, Components: []string{"east.db"}, Certificate: &harness.CertificateSpec{Wrong: harness.CertificateExpired}},
		{Kind: harness.CertificateSwap, Components: []string{"east.api"}, Certificate: &harness.CertificateSpec{Wrong: "ugly"}},
		{Kind: harness.CertificateSwap, Components: []string{"east.api"}, Certificate: &harness.CertificateSpec{Wrong: harness.CertificateExpiring}},
		{Kind: harness.CertificateRestore},
		{Kind: harness.CodeDeploy, Components: []string{"east.api"}, Build: "next"},
		{Kind: harness.CodeDeploy, Components: []string{"east.db"}, Build: harness.BuildCurrent},
		{Kind: "disk.fill", Components: []string{"east.db"}},
	} {
		if err := b.driver.Execute(context.Background(), bad); err == nil {
			t.Errorf("action %+v was carried out", bad)
		}
	}
	if slices.Contains(b.driver.Can(), "disk.fill") {
		t.Error("it says that it can fill a disk")
	}
	if _, err := b.driver.Access("west", "east.api"); err == nil {
		t.Error("west reaches east.api without a link")
	}
	if _, err := b.driver.Access(harness.Outside, "north.db"); err == nil {
		t.Error("a component that is not there is reached")
	}
	if _, err := b.driver.Running(context.Background(), "north.db"); err == nil {
		t.Error("it tells whether a component runs that is not there")
	}
	if _, err := b.driver.RefusesWrites(context.Background(), "east.api"); err == nil {
		t.Error("it tries a write on an API")
	}
	must(t, b.await(harness.LinkAnswers, b.linksOf("east")...)) // no refused action has done a part of its work
}

// oneWay cuts what goes into east, then what comes out of it.
func oneWay(t *testing.T, b *fixture) {
	ctx := context.Background()
	links := []string{"outside→east.db", "west.db→east.db"}
	for _, direction := range []string{harness.In, harness.Out} {
		conn := b.connect(t, harness.Outside, "east.db")
		b.do(t, harness.Action{Kind: harness.LinkCut, Region: "east", Direction: direction, Links: links})
		asked, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		if _, err := conn.Exec(asked, "INSERT INTO blackstart.ledger VALUES (-1) ON CONFLICT DO NOTHING"); err == nil {
			t.Errorf("%s: a question and its answer passed a link that is cut", direction)
		}
		cancel()
		must(t, b.await(harness.LinkSilent, links[0]))
		must(t, b.await(harness.LinkAnswers, "outside→east.api"))
		b.do(t, harness.Action{Kind: harness.LinkHeal, Region: "east", Links: links})
		must(t, b.await(harness.LinkAnswers, links...))
		// The question itself passes outwards only: the statement is carried out although nobody hears of it.
		want := 1
		if direction == harness.Out {
			want = 2
		}
		eventually(t, "what passed "+direction, func() error { return b.count("east", "east.db", want) })
	}
	// One row stood on the standby all the time: only the marker, written after the deletion, shows that it has caught up.
	b.exec(t, "east", "east.db", "DELETE FROM blackstart.ledger WHERE id = -1", "CREATE TABLE blackstart.caught_up ()")
	eventually(t, "replication goes on", b.caughtUp)
	must(t, b.count("west", "west.db", 1))
}

// caughtUp tells whether the standby has the marker.
func (b *fixture) caughtUp() error {
	conn, err := b.dial("west", "west.db")
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	var there bool
	if err := conn.QueryRow(context.Background(), "SELECT to_regclass('blackstart.caught_up') IS NOT NULL").Scan(&there); err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("the standby has not caught up")
	}
	return nil
}

func oneLink(t *testing.T, b *fixture) {
	b.do(t, harness.Action{Kind: harness.LinkCut, Region: "east", Direction: harness.Both, Links: []string{"outside→east.api"}})
	must(t, b.await(harness.LinkSilent, "outside→east.api"))
	must(t, b.await(harness.LinkAnswers, "outside→east.db", "west.db→east.db", "outside→west.api", "outside→west.db"))
	b.do(t, harness.Action{Kind: harness.LinkHeal, Region: "east", Links: []string{"outside→east.api"}})
	must(t, b.await(harness.LinkAnswers, "outside→east.api"))
}
