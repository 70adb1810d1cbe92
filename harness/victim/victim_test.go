package victim

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// fakeDriver knows which components run; a component it does not know is an error.
type fakeDriver map[string]bool

func (d fakeDriver) Running(_ context.Context, component string) (bool, error) {
	running, ok := d[component]
	if !ok {
		return false, errors.New("process table is not readable")
	}
	return running, nil
}

func (fakeDriver) Access(string, string) (harness.Access, error) {
	return harness.Access{}, errors.New("there is no way")
}

// listen opens a listener that the test closes.
func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.(*net.TCPListener)
}

// blackHole makes the kernel drop further SYNs: no backlog, and what there is of it is taken.
func blackHole(t *testing.T) string {
	t.Helper()
	l := listen(t)
	raw, err := l.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var listening error
	if err := raw.Control(func(fd uintptr) { listening = syscall.Listen(int(fd), 0) }); err != nil || listening != nil {
		t.Fatal(err, listening)
	}
	parked, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parked.Close() })
	return l.Addr().String()
}

// refusing is an address that nobody listens on.
func refusing(t *testing.T) string {
	l := listen(t)
	_ = l.Close()
	return l.Addr().String()
}

// serve answers each connection with speak and closes it.
func serve(t *testing.T, speak func(net.Conn)) string {
	t.Helper()
	l := listen(t)
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			speak(c)
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// target has one link, "outside→x", to a component of a kind.
func target(kind, protocol, address string) harness.Description {
	return harness.Description{
		Name:       "test",
		Entry:      harness.Entry{Name: "api.finrag.test.", CAPEM: testCA},
		Components: []harness.Component{{Name: "x", Kind: kind, Region: "east"}},
		Links:      []harness.Link{{Name: "outside→x", From: harness.Outside, To: "x", Protocol: protocol, Address: address}},
	}
}

func one(kind harness.CheckKind) []harness.Check {
	on := "outside→x"
	if kind == harness.ComponentGone || kind == harness.ComponentRuns {
		on = "x"
	}
	return []harness.Check{{Kind: kind, On: on}}
}

// holds expects an interval, fails expects a ChecksFailedError with a text in it.
func holds(t *testing.T, d harness.Description, driver Driver, checks []harness.Check) harness.Interval {
	t.Helper()
	clock := harness.NewClock()
	before := clock.Now()
	at, err := Await(t.Context(), d, driver, checks, 5*time.Second, clock)
	if err != nil {
		t.Fatal(err)
	}
	if at.Lo < before || at.Hi < at.Lo || at.Hi > clock.Now() {
		t.Fatalf("interval %v is not within the call", at)
	}
	return at
}

func fails(t *testing.T, d harness.Description, driver Driver, checks []harness.Check, within time.Duration, want string) {
	t.Helper()
	at, err := Await(t.Context(), d, driver, checks, within, harness.NewClock())
	var notHeld *ChecksFailedError
	if !errors.As(err, &notHeld) {
		t.Fatalf("got %v, %v; want a check that did not hold", at, err)
	}
	if !strings.Contains(err.Error(), want) || !at.Never() {
		t.Errorf("got %v, %q; want it to say %q", at, err, want)
	}
}

// unheard is what a check says on a machine that was too busy to answer in time: it is asked again.
const unheard = "does not answer by the private path"

// denies asks one check, with all the time that an answer may take, and expects to be told why it does not hold.
func denies(t *testing.T, d harness.Description, driver Driver, check harness.Check, want string) {
	t.Helper()
	ask, err := Victim{&d, driver, harness.NewClock()}.ask(check)
	if err != nil {
		t.Fatal(err)
	}
	err = ask(t.Context(), func() {})
	for tries := 1; tries < 10 && err != nil && want != unheard && strings.Contains(err.Error(), unheard); tries++ {
		err = ask(t.Context(), func() {})
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s on %s: got %v, want that it does not hold and says %q", check.Kind, check.On, err, want)
	}
}

func TestBlackHoleIsSilent(t *testing.T) {
	began := time.Now()
	at := holds(t, target("postgres", "tcp", blackHole(t)), nil, one(harness.LinkSilent))
	if took := time.Since(began); took < silence {
		t.Errorf("silence was believed after %v, before %v had passed", took, silence)
	}
	if at.Hi.Sub(at.Lo) >= silence {
		t.Errorf("the question took %v to be asked: the interval must end when it was, not when silence was believed", at.Hi.Sub(at.Lo))
	}
}

func TestRefusalIsNotSilence(t *testing.T) {
	fails(t, target("postgres", "tcp", refusing(t)), nil, one(harness.LinkSilent), silence, "a refusal is not silence")
}

func TestConnectionIsNotSilence(t *testing.T) {
	mute := listen(t) // its backlog accepts, though nobody speaks: what toxiproxy's timeout looks like
	fails(t, target("postgres", "tcp", mute.Addr().String()), nil, one(harness.LinkSilent), silence, "accepts connections")
}

func TestSilenceNeedsItsTime(t *testing.T) {
	fails(t, target("postgres", "tcp", blackHole(t)), nil, one(harness.LinkSilent), silence/3, "the time was over before")
}

func TestSilenceOfManyLinksIsAskedAtOnce(t *testing.T) {
	d := harness.Description{Components: []harness.Component{{Name: "x", Kind: "postgres"}}}
	var checks []harness.Check
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		d.Links = append(d.Links, harness.Link{Name: name, To: "x", Protocol: "tcp", Address: blackHole(t)})
		checks = append(checks, harness.Check{Kind: harness.LinkSilent, On: name})
	}
	checks = append(checks, harness.Check{Kind: harness.ComponentRuns, On: "x"})
	at := holds(t, d, fakeDriver{"x": true}, checks)
	if width := at.Hi.Sub(at.Lo); width > 4*silence { // one after the other they would take five times as long
		t.Errorf("five links took %v, so they were not asked at once", width)
	}
}

func TestEveryUnheldCheckIsNamed(t *testing.T) {
	d := target("postgres", "tcp", refusing(t))
	d.Links = append(d.Links, harness.Link{Name: "west.db→x", To: "x", Protocol: "tcp", Address: listen(t).Addr().String()},
		harness.Link{Name: "cut", To: "x", Protocol: "tcp", Address: blackHole(t)})
	checks := append(one(harness.LinkSilent), harness.Check{Kind: harness.LinkSilent, On: "west.db→x"},
		harness.Check{Kind: harness.LinkSilent, On: "cut"}, harness.Check{Kind: harness.ComponentRuns, On: "x"})
	_, err := Await(t.Context(), d, fakeDriver{"x": false}, checks, 2*silence, harness.NewClock())
	var notHeld *ChecksFailedError
	if !errors.As(err, &notHeld) {
		t.Fatal(err)
	}
	for _, want := range []string{"outside→x: it refuses", "west.db→x: it accepts", "component.runs on x: no process"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestComponents(t *testing.T) {
	d := target("postgres", "tcp", "127.0.0.1:1")
	holds(t, d, fakeDriver{"x": true}, one(harness.ComponentRuns))
	holds(t, d, fakeDriver{"x": false}, one(harness.ComponentGone))
	fails(t, d, fakeDriver{"x": false}, one(harness.ComponentRuns), 50*time.Millisecond, "no process of it runs")
	fails(t, d, fakeDriver{"x": true}, one(harness.ComponentGone), 50*time.Millisecond, "its process still runs")
	fails(t, d, fakeDriver{}, one(harness.ComponentGone), 50*time.Millisecond, "process table is not readable")
}

// laterDriver says that the component runs from the third question on.
type laterDriver struct {
	fakeDriver
	asked int
}

func (d *laterDriver) Running(context.Context, string) (bool, error) {
	d.asked++
	return d.asked >= 3, nil
}

func TestItIsAskedAgain(t *testing.T) {
	d := &laterDriver{}
	at := holds(t, target("postgres", "tcp", "127.0.0.1:1"), d, one(harness.ComponentRuns))
	if d.asked != 3 || at.Never() {
		t.Errorf("asked %d times, want 3", d.asked)
	}
}

func TestWhatCannotBeAskedIsAnErrorAtOnce(t *testing.T) {
	good := target("postgres", "tcp", "127.0.0.1:1")
	for name, tc := range map[string]struct {
		target harness.Description
		checks []harness.Check
	}{
		"no check":           {good, nil},
		"unknown kind":       {good, []harness.Check{{Kind: "link.slow", On: "outside→x"}}},
		"unknown link":       {good, []harness.Check{{Kind: harness.LinkSilent, On: "nowhere"}}},
		"unknown component":  {good, []harness.Check{{Kind: harness.ComponentRuns, On: "nobody"}}},
		"unknown protocol":   {target("postgres", "sctp", "127.0.0.1:1"), one(harness.LinkSilent)},
		"no port":            {target("postgres", "tcp", "127.0.0.1"), one(harness.LinkSilent)},
		"no greeting":        {target("queue", "tcp", "127.0.0.1:1"), one(harness.LinkAnswers)},
		"no datagram":        {target("postgres", "udp", "127.0.0.1:1"), one(harness.LinkSilent)},
		"component not told": {harness.Description{Links: good.Links}, one(harness.LinkSilent)},
		"too many":           {good, make([]harness.Check, maxChecks+1)},
	} {
		_, err := Await(t.Context(), tc.target, nil, tc.checks, time.Hour, harness.NewClock())
		var notHeld *ChecksFailedError
		if err == nil || errors.As(err, &notHeld) {
			t.Errorf("%s: got %v, want an error about the check itself", name, err)
		}
	}
}

func TestCancelEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Await(ctx, target("postgres", "tcp", "127.0.0.1:1"), fakeDriver{"x": false}, one(harness.ComponentRuns), time.Hour, harness.NewClock())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}
