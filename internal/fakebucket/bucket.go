// Package fakebucket is for tests alone: a bucket over HTTP as S3 has it, for one who creates, reads and lists. It is honest until a
// test gives it a mood: then it forgets conditions, loses replies after it has done what was asked, or answers with errors.
package fakebucket

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Access and secret are what the bucket's only account is called by; a secret is a word that must never be printed.
const (
	Access = "AKIAFAKEBUCKETACCESS"
	Secret = "fake-bucket-secret-that-is-never-printed"
	Region = "eu-central-1"
	Name   = "evidence"
)

// Mood is what the bucket does with one request.
type Mood int

// Moods.
const (
	Honest      Mood = iota
	Forgetful        // create-only is ignored
	LooksFirst       // it looks whether the name is taken when the request begins, and writes when it ends
	Conflict         // 409, nothing is done
	Busy             // 503, nothing is done
	BusyAndDone      // 503, and it is done
	Drops            // the connection ends before anything is done
	LosesReply       // it is done, and the connection ends
	HalfAnswer       // the connection ends in the middle of the answer
	Forbidden        // 403
	NoCondition      // 501 for a condition
	Full             // 507
)

// Bucket is the server. Its fields are set before it is asked anything.
type Bucket struct {
	URL       string
	Mood      func(method, key string) Mood // nil: honest
	Clock     func() time.Time              // nil: this machine's
	Retention string                        // mode of Object Lock, for seven years; "": there is none
	NoDefault bool                          // Object Lock is on and holds nothing by default

	mu    sync.Mutex
	files map[string][]byte
}

// Start begins a bucket that ends with the test, and puts its credentials into the environment of the test.
func Start(t testing.TB) *Bucket {
	t.Helper()
	b := &Bucket{files: map[string][]byte{}}
	server := httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(server.Close)
	b.URL = server.URL
	return b
}

// Environment is that of a process that may use the bucket, and in which nothing else of AWS is found.
func Environment() map[string]string {
	return map[string]string{"AWS_ACCESS_KEY_ID": Access, "AWS_SECRET_ACCESS_KEY": Secret, "AWS_SESSION_TOKEN": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials", "AWS_PROFILE": "", "AWS_REGION": "",
		"AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": ""}
}

// Place is a prefix of the bucket as a store names it.
func (b *Bucket) Place(prefix string) string {
	return "s3://" + Name + "/" + prefix + "?region=" + Region + "&endpoint=" + b.URL
}

// File is what is there under a key; nil if nothing is.
func (b *Bucket) File(key string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.files[key]
}

// Set puts there, or takes away, what nobody may.
func (b *Bucket) Set(key string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.files[key] = data; data == nil {
		delete(b.files, key)
	}
}

// maxBody bounds what is taken.
const maxBody = 64 << 20

func (b *Bucket) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", b.now().UTC().Format(http.TimeFormat))
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	mood := Honest
	if b.Mood != nil {
		mood = b.Mood(r.Method, key)
	}
	_, taken := b.get(key)
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	switch mood {
	case Conflict:
		refuse(w, 409, "ConditionalRequestConflict")
	case Busy:
		refuse(w, 503, "SlowDown")
	case Forbidden:
		refuse(w, 403, "AccessDenied")
	case Full:
		refuse(w, 507, "XMinioStorageFull")
	case Drops:
		panic(http.ErrAbortHandler)
	case BusyAndDone, LosesReply:
		b.answer(httptest.NewRecorder(), r, bucket, key, body, mood, taken)
		if mood == LosesReply {
			panic(http.ErrAbortHandler)
		}
		refuse(w, 503, "SlowDown")
	case HalfAnswer:
		whole := httptest.NewRecorder()
		b.answer(whole, r, bucket, key, body, mood, taken)
		for k, v := range whole.Header() {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", fmt.Sprint(whole.Body.Len()))
		w.WriteHeader(whole.Code)
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		b.answer(w, r, bucket, key, body, mood, taken)
	}
}

func (b *Bucket) answer(w http.ResponseWriter, r *http.Request, bucket, key string, body []byte, mood Mood, taken bool) {
	if status, code := b.permitted(r, bucket, body); status != 0 {
		w.Header().Set("X-Amz-Bucket-Region", Region)
		refuse(w, status, code)
		return
	}
	switch {
	case r.Method == http.MethodPut && key != "":
		b.put(w, r, key, body, mood, taken)
	case key != "":
		b.read(w, key)
	case r.URL.Query().Has("object-lock"):
		b.lock(w)
	case r.URL.Query().Get("list-type") == "2":
		b.list(w, r)
	default:
		refuse(w, 405, "MethodNotAllowed")
	}
}

func (b *Bucket) now() time.Time {
	if b.Clock != nil {
		return b.Clock()
	}
	return time.Now()
}

// permitted holds who asks, for which region, when and with which bytes, against what is signed. It does not check the signature.
func (b *Bucket) permitted(r *http.Request, bucket string, body []byte) (status int, code string) {
	at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	auth := r.Header.Get("Authorization")
	sum := sha256.Sum256(body)
	signed, checksum := r.Header.Get("X-Amz-Content-Sha256"), r.Header.Get("X-Amz-Checksum-Sha256")
	switch {
	case !strings.Contains(auth, "Credential="+Access+"/"):
		return 403, "InvalidAccessKeyId"
	case !strings.Contains(auth, "/"+Region+"/s3/aws4_request"):
		return 400, "AuthorizationHeaderMalformed"
	case at.Sub(b.now()).Abs() > 15*time.Minute:
		return 403, "RequestTimeTooSkewed"
	case bucket != Name:
		return 404, "NoSuchBucket"
	case signed != hex.EncodeToString(sum[:]), checksum != "" && checksum != base64.StdEncoding.EncodeToString(sum[:]):
		return 400, "XAmzContentSHA256Mismatch"
	}
	return 0, ""
}

func (b *Bucket) put(w http.ResponseWriter, r *http.Request, key string, body []byte, mood Mood, taken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if mood != LooksFirst {
		_, taken = b.files[key]
	}
	switch {
	case mood == NoCondition && r.Header.Get("If-None-Match") != "":
		refuse(w, 501, "NotImplemented")
	case taken && r.Header.Get("If-None-Match") == "*" && mood != Forgetful:
		refuse(w, 412, "PreconditionFailed")
	default:
		b.files[key] = body
		w.WriteHeader(200)
	}
}

func (b *Bucket) get(key string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.files[key]
	return data, ok
}

func (b *Bucket) read(w http.ResponseWriter, key string) {
	data, ok := b.get(key)
	if !ok {
		refuse(w, 404, "NoSuchKey")
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	_, _ = w.Write(data)
}

func (b *Bucket) lock(w http.ResponseWriter) {
	if b.Retention == "" && !b.NoDefault {
		refuse(w, 404, "ObjectLockConfigurationNotFoundError")
		return
	}
	rule := ""
	if b.Retention != "" {
		rule = "<Rule><DefaultRetention><Mode>" + b.Retention + "</Mode><Years>7</Years></DefaultRetention></Rule>"
	}
	fmt.Fprintf(w, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>%s</ObjectLockConfiguration>", rule)
}

// pageSize is small, so that every list of a test has several pages.
const pageSize = 50

type listed struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string
	Contents              []struct{ Key string }
	CommonPrefixes        []struct{ Prefix string }
}

func (b *Bucket) list(w http.ResponseWriter, r *http.Request) {
	prefix, after := r.URL.Query().Get("prefix"), r.URL.Query().Get("continuation-token")
	var out listed
	b.mu.Lock()
	names := map[string]bool{}
	for key := range b.files {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			dir, _, below := strings.Cut(rest, "/")
			if below {
				dir += "/"
			}
			names[prefix+dir] = true
		}
	}
	b.mu.Unlock()
	var all []string
	for name := range names {
		if name > after {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	if len(all) > pageSize {
		all, out.IsTruncated, out.NextContinuationToken = all[:pageSize], true, all[pageSize-1]
	}
	for _, name := range all {
		if strings.HasSuffix(name, "/") && name != prefix {
			out.CommonPrefixes = append(out.CommonPrefixes, struct{ Prefix string }{name})
		} else {
			out.Contents = append(out.Contents, struct{ Key string }{name})
		}
	}
	_ = xml.NewEncoder(w).Encode(out)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Amz-Request-Id", "FAKE")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>this bucket says so</Message></Error>", code)
}
