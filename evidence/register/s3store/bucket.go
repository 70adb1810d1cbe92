package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"blackstart/evidence/register"
)

// Limits of what is asked of a bucket.
const (
	attempts        = 6                // of one question, or of one writing
	attemptTime     = 30 * time.Second // for one of them, and in addition …
	leastRate       = 256 << 10        // … bytes a second for what is sent or fetched
	expectsGo       = 32 << 10         // bytes from which on a service is asked to say "go on" before they are sent
	longestPause    = 2 * time.Second  // between two attempts
	credentialsTime = 20 * time.Second // to find credentials, which may ask a service
	maxNames        = 2 * register.MaxEntries
)

// Bucket is a store below a prefix of a bucket. It implements register.Store.
type Bucket struct {
	place   Place
	client  *s3.Client
	retryer *retry.Standard
	between time.Duration // the longest pause between two attempts
}

// step is called between any two steps of a Put; a test lets the process die there.
var step = func(string) {}

// Open finds credentials, and region and endpoint where the place names none. It does not ask the bucket anything.
func Open(ctx context.Context, p Place) (*Bucket, error) {
	cfg, err := config.LoadDefaultConfig(ctx, func(o *config.LoadOptions) error {
		o.Region = p.Region
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if p.Endpoint == "" {
		p.Endpoint = endpointOf(cfg)
	}
	if p.Endpoint != "" {
		if err := checkEndpoint(p.Endpoint); err != nil {
			return nil, err
		}
	}
	if p.Region = cfg.Region; p.Region == "" {
		if p.Endpoint == "" {
			return nil, &Trouble{Hint: "no region is named: write s3://BUCKET/PREFIX?region=REGION, or set AWS_REGION", err: errors.New("no region")}
		}
		p.Region = "us-east-1" // what services that have none take
	}
	cfg.Region = p.Region
	asked, done := context.WithTimeout(ctx, credentialsTime)
	defer done()
	if _, err := cfg.Credentials.Retrieve(asked); err != nil {
		return nil, &Trouble{Hint: "the AWS SDK finds no credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a role of this machine)", err: err}
	}
	b := &Bucket{place: p, retryer: retry.NewStandard(), between: longestPause}
	b.client = s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.Retryer = aws.NopRetryer{}               // ask and Put try again themselves
		o.ContinueHeaderThresholdBytes = expectsGo // what is refused need not be sent, and store init's slow writings are known to have begun
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.HTTPClient = waiting{o.HTTPClient}
		if p.Endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = &p.Endpoint, true
		}
	})
	return b, nil
}

// waiting is a client that waits for the "go on" that a request expects. The SDK's requests name no version of HTTP, and of those
// net/http sends the body at once.
type waiting struct{ next s3.HTTPClient }

func (w waiting) Do(r *http.Request) (*http.Response, error) {
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	return w.next.Do(r)
}

// endpointOf is the endpoint that the environment or a profile names for S3, if one does.
func endpointOf(cfg aws.Config) string {
	o := s3.NewFromConfig(cfg).Options()
	return strings.TrimSuffix(aws.ToString(o.BaseEndpoint), "/")
}

// Place is where the store lies, with region and endpoint as they were found.
func (b *Bucket) Place() Place { return b.place }

func (b *Bucket) key(name string) *string {
	if b.place.Prefix != "" {
		name = b.place.Prefix + "/" + name
	}
	return &name
}

// Get implements register.Store.
func (b *Bucket) Get(ctx context.Context, name string, limit int64) (data []byte, err error) {
	err = b.ask(ctx, limit, func(ctx context.Context) error {
		out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.place.Bucket, Key: b.key(name)})
		if err != nil {
			return err
		}
		defer out.Body.Close()
		if aws.ToInt64(out.ContentLength) > limit {
			return register.ErrLong
		}
		if data, err = io.ReadAll(io.LimitReader(out.Body, limit+1)); err != nil {
			return &cutOff{err}
		}
		if int64(len(data)) > limit {
			return register.ErrLong
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, b.explain(err))
	}
	return data, nil
}

// List implements register.Store.
func (b *Bucket) List(ctx context.Context, dir string) (names []string, err error) {
	prefix := *b.key(dir + "/")
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.place.Bucket, Prefix: &prefix, Delimiter: aws.String("/")},
		func(o *s3.ListObjectsV2PaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		var page *s3.ListObjectsV2Output
		err := b.ask(ctx, 0, func(ctx context.Context) (err error) {
			page, err = pages.NextPage(ctx)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", dir, b.explain(err))
		}
		for _, o := range page.Contents {
			names = append(names, strings.TrimPrefix(aws.ToString(o.Key), prefix))
		}
		for _, p := range page.CommonPrefixes {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), prefix), "/"))
		}
		if len(names) > maxNames {
			return nil, fmt.Errorf("list %s: it has more than %d names", dir, maxNames)
		}
	}
	for i, n := range names {
		if n == "" { // what a console makes, to show a directory
			return append(names[:i], names[i+1:]...), nil
		}
	}
	return names, nil
}

// ask puts a question that changes nothing, again where asking again may help. size is what may be fetched.
func (b *Bucket) ask(ctx context.Context, size int64, question func(context.Context) error) error {
	for n := 1; ; n++ {
		err := b.limited(ctx, size, question)
		if err == nil || n == attempts || !b.mayPass(ctx, err) {
			return err
		}
		if b.pause(ctx, n, err) != nil {
			return err
		}
	}
}

// limited gives one attempt its time.
func (b *Bucket) limited(ctx context.Context, size int64, question func(context.Context) error) error {
	ctx, done := context.WithTimeoutCause(ctx, attemptTime+time.Duration(size/leastRate)*time.Second, errSlow)
	defer done()
	err := question(ctx)
	if err != nil && context.Cause(ctx) == errSlow {
		return fmt.Errorf("%w: %w", errSlow, err)
	}
	return err
}

// pause waits before the attempt after the n-th, a little longer each time.
func (b *Bucket) pause(ctx context.Context, n int, err error) error {
	long, delayErr := b.retryer.RetryDelay(n, err)
	if delayErr != nil || long > b.between {
		long = b.between
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(long):
		return nil
	}
}
