package s3store

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"blackstart/evidence/register"
	"blackstart/evidence/register/conformance"
	"blackstart/internal/fakebucket"
)

// account makes the fake bucket's account that of this test.
func account(t *testing.T) {
	t.Helper()
	for name, value := range fakebucket.Environment() {
		t.Setenv(name, value)
	}
}

var prefixes atomic.Int64

// fake is a store in a fresh prefix of a bucket.
func fake(t *testing.T, server *fakebucket.Bucket) *Bucket {
	t.Helper()
	return opened(t, server.Place(fmt.Sprintf("test/%d", prefixes.Add(1))))
}

func opened(t *testing.T, place string) *Bucket {
	t.Helper()
	p, err := ParsePlace(place)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBucketConforms(t *testing.T) {
	account(t)
	server := fakebucket.Start(t)
	conformance.Stores(t, func(t *testing.T) register.Store { return fake(t, server) })
}

// TestBucketInTroubleConforms: a bucket that answers a third of all requests with a conflict, a refusal to work, or nothing, before or after
// it has done what was asked, loses nothing and forks nothing.
func TestBucketInTroubleConforms(t *testing.T) {
	account(t)
	moods := []fakebucket.Mood{fakebucket.Conflict, fakebucket.Busy, fakebucket.BusyAndDone, fakebucket.Drops, fakebucket.LosesReply, fakebucket.HalfAnswer}
	server := fakebucket.Start(t)
	var n atomic.Int64
	server.Mood = func(method, _ string) fakebucket.Mood {
		if i := int(n.Add(1)); i%3 == 0 {
			return moods[i/3%len(moods)]
		}
		return fakebucket.Honest
	}
	conformance.Stores(t, func(t *testing.T) register.Store {
		b := fake(t, server)
		quick(b)
		return b
	})
}

// quick lets a store try again without waiting.
func quick(b *Bucket) { b.between = 0 }

// TestReplyThatIsLost: what was carried out is not carried out again, and is ours; of somebody else it is not.
func TestReplyThatIsLost(t *testing.T) {
	account(t)
	server := fakebucket.Start(t)
	for _, mood := range []fakebucket.Mood{fakebucket.LosesReply, fakebucket.BusyAndDone, fakebucket.HalfAnswer} {
		asked := 0
		server.Mood = func(method, _ string) fakebucket.Mood {
			if asked++; asked == 1 {
				return mood
			}
			return fakebucket.Honest
		}
		b := fake(t, server)
		quick(b)
		if err := b.Put(t.Context(), "x", strings.NewReader("ours")); err != nil {
			t.Errorf("%d: ours: %v", mood, err)
		}
		asked = 1
		server.Set(b.place.Prefix+"/y", []byte("theirs"))
		server.Mood = func(method, _ string) fakebucket.Mood {
			if asked++; asked == 2 {
				return fakebucket.Busy
			}
			return fakebucket.Honest
		}
		if err := b.Put(t.Context(), "y", strings.NewReader("ours  ")); !errors.Is(err, register.ErrExists) {
			t.Errorf("theirs, as long as ours: %v", err)
		}
	}
}

// TestAnswerThatIsCutOff is asked for again, and never taken for a whole one.
func TestAnswerThatIsCutOff(t *testing.T) {
	account(t)
	server := fakebucket.Start(t)
	b := fake(t, server)
	quick(b)
	server.Set(b.place.Prefix+"/x", []byte("all that is there"))
	for half, want := range map[int64]string{1: "all that is there", attempts: ""} {
		var asked atomic.Int64
		server.Mood = func(string, string) fakebucket.Mood {
			if asked.Add(1) <= half {
				return fakebucket.HalfAnswer
			}
			return fakebucket.Honest
		}
		if got, err := b.Get(t.Context(), "x", 100); string(got) != want || (err == nil) != (want != "") || err != nil && !strings.Contains(err.Error(), "the answer was cut off") {
			t.Errorf("%d halves: %q, %v", half, got, err)
		}
	}
}

// TestInitRefusesBuckets that would let two writers overwrite each other.
func TestInitRefusesBuckets(t *testing.T) {
	account(t)
	for mood, want := range map[fakebucket.Mood]string{fakebucket.Forgetful: "create-only is ignored", fakebucket.LooksFirst: "create-only is not atomic",
		fakebucket.NoCondition: "does not know how to create a file only if there is none", fakebucket.Full: "the store is full", fakebucket.Forbidden: "may not do that here"} {
		server := fakebucket.Start(t)
		server.Mood = func(string, string) fakebucket.Mood { return mood }
		b := fake(t, server)
		quick(b)
		if err := register.Init(t.Context(), b, conformance.Key(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if server.File(b.place.Prefix+"/"+register.AboutFile) != nil {
			t.Errorf("%s: a register was made all the same", want)
		}
	}
}

// TestWhatABucketRefusesIsSaid with what to do, without credentials.
func TestWhatABucketRefusesIsSaid(t *testing.T) {
	account(t)
	server := fakebucket.Start(t)
	for _, c := range []struct{ name, place, access, want string }{
		{"bucket", strings.Replace(server.Place("p"), fakebucket.Name, "another", 1), "", "there is no bucket another"},
		{"region", strings.Replace(server.Place("p"), fakebucket.Region, "us-east-1", 1), "", "in another region than us-east-1 (eu-central-1): write s3://"},
		{"account", server.Place("p"), "AKIASOMEBODYELSE", "does not accept the credentials"},
		{"nobody there", "s3://evidence/p?region=eu-central-1&endpoint=http://127.0.0.1:1", "", "the store cannot be reached"},
	} {
		if c.access != "" {
			t.Setenv("AWS_ACCESS_KEY_ID", c.access)
		}
		b := opened(t, c.place)
		quick(b)
		_, getErr := b.Get(t.Context(), "store.json", 10)
		_, listErr := b.List(t.Context(), "runs")
		for _, err := range []error{getErr, listErr, b.Put(t.Context(), "x", strings.NewReader("x"))} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			if said := fmt.Sprint(err); strings.Contains(said, fakebucket.Secret) || strings.Contains(said, "AKIA") || len(said) > 600 {
				t.Errorf("%s: it says too much: %s", c.name, said)
			}
		}
		account(t)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	p, err := ParsePlace(server.Place("p"))
	if err == nil {
		_, err = Open(t.Context(), p)
	}
	if err == nil || !strings.Contains(err.Error(), "finds no credentials") {
		t.Errorf("no credentials: %v", err)
	}
}

// TestEndsAfterAttempts: a bucket that never answers as it should is left, and it is said how often it was asked.
func TestEndsAfterAttempts(t *testing.T) {
	account(t)
	server := fakebucket.Start(t)
	var asked atomic.Int64
	server.Mood = func(string, string) fakebucket.Mood { asked.Add(1); return fakebucket.Busy }
	b := fake(t, server)
	quick(b)
	err := b.Put(t.Context(), "x", strings.NewReader("x"))
	if err == nil || !strings.Contains(err.Error(), "did not answer as it should, 6 times: 503 SlowDown") || asked.Load() != attempts {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}

// TestClockOfThisMachine may differ: the SDK learns the service's.
func TestClockOfThisMachine(t *testing.T) {
	account(t)
	server := fakebucket.Start(t)
	server.Clock = func() time.Time { return time.Now().Add(3 * time.Hour) }
	b := fake(t, server)
	quick(b)
	if err := b.Put(t.Context(), "x", strings.NewReader("x")); err != nil {
		t.Error(err)
	}
}

func TestHeld(t *testing.T) {
	account(t)
	for want, set := range map[string]func(*fakebucket.Bucket){
		"no Object Lock: whoever may delete":                       func(*fakebucket.Bucket) {},
		"holds nothing, since the bucket has no default retention": func(b *fakebucket.Bucket) { b.NoDefault = true },
		"Object Lock, COMPLIANCE: every file is held for 7 years":  func(b *fakebucket.Bucket) { b.Retention = "COMPLIANCE" },
		"Object Lock, GOVERNANCE: every file is held for 7 years from when it is made; whoever may bypass": func(b *fakebucket.Bucket) {
			b.Retention = "GOVERNANCE"
		},
		"these credentials may not ask": func(b *fakebucket.Bucket) {
			b.Mood = func(method, key string) fakebucket.Mood {
				if key == "" {
					return fakebucket.Forbidden
				}
				return fakebucket.Honest
			}
		},
	} {
		server := fakebucket.Start(t)
		set(server)
		b := fake(t, server)
		if said, err := b.Held(t.Context()); err != nil || !strings.Contains(said, want) {
			t.Errorf("%q, %v, want %q", said, err, want)
		}
	}
}

func TestParsePlace(t *testing.T) {
	for text, want := range map[string]string{
		"s3://evidence":  "",
		"s3://evidence/": "s3://evidence",
		"s3://evidence/firm/drills?region=eu-west-1":                     "",
		"s3://evidence/p?endpoint=http://10.0.0.1:9000&region=eu-west-1": "",
		"s3://evidence/p?endpoint=https%3A%2F%2Fs3.example.org/":         "s3://evidence/p?endpoint=https://s3.example.org",
	} {
		p, err := ParsePlace(text)
		if want == "" {
			want = text
		}
		if err != nil || p.String() != want {
			t.Errorf("%s: %q, %v", text, p, err)
		}
	}
	for text, want := range map[string]string{
		"/mnt/evidence": "is no s3://", "s3://": "no name of a bucket", "s3:///x": "no name of a bucket", "s3://UPPER/x": "no name of a bucket",
		"s3://AKIAX:hush@evidence/x": "credentials do not stand in a store's name", "s3://evidence/a//b": "the prefix", "s3://evidence/../b": "the prefix",
		"s3://evidence/a?profile=x": "region= and endpoint= may stand", "s3://evidence/a?region=x&region=y": "2 times", "s3://evidence/a?region=X": "no name of a region",
		"s3://evidence/a?endpoint=ftp://x": "no http:// or https://", "s3://evidence/a?endpoint=http://AKIAX:hush@x": "credentials do not stand in an endpoint",
		"s3://evidence/a?endpoint=http://x/path": "an address and nothing more", "s3://evidence/a?secret=%zz": "cannot be read",
		"s3://evidence/" + strings.Repeat("x", 900): "is no s3://",
	} {
		_, err := ParsePlace(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestRegionAndEndpointOfTheEnvironment are taken where the place names none, and the place then names them.
func TestRegionAndEndpointOfTheEnvironment(t *testing.T) {
	account(t)
	t.Setenv("AWS_REGION", "eu-west-3")
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
	if got := opened(t, "s3://evidence/p").Place().String(); got != "s3://evidence/p?endpoint=http://127.0.0.1:9000&region=eu-west-3" {
		t.Error(got)
	}
	if got := opened(t, "s3://evidence/p?region=x-1&endpoint=http://localhost:1").Place().String(); got != "s3://evidence/p?endpoint=http://localhost:1&region=x-1" {
		t.Error(got)
	}
	account(t)
	p, _ := ParsePlace("s3://evidence/p")
	if _, err := Open(t.Context(), p); err == nil || !strings.Contains(err.Error(), "no region is named") {
		t.Error(err)
	}
}
