package s3store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"unicode"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"blackstart/evidence/register"
)

// Trouble is what a bucket refuses, or why it does not answer, with what a person can do about it.
type Trouble struct {
	Hint string
	err  error
}

func (t *Trouble) Error() string { return t.Hint + ": " + short(t.err) }
func (t *Trouble) Unwrap() error { return t.err }

var errSlow = errors.New("it did not answer in time")

// cutOff says that an answer began and did not end.
type cutOff struct{ err error }

func (c *cutOff) Error() string { return "the answer was cut off: " + c.err.Error() }
func (c *cutOff) Unwrap() error { return c.err }

// short says in one line what a service answered, without the SDK's own words around it.
func short(err error) string {
	text := err.Error()
	var api smithy.APIError
	var answer *awshttp.ResponseError
	switch {
	case errors.As(err, &api):
		text = api.ErrorCode() + " " + api.ErrorMessage()
		if errors.As(err, &answer) {
			text = fmt.Sprintf("%d %s (request %s)", answer.HTTPStatusCode(), text, answer.ServiceRequestID())
		}
	case errors.Is(err, errSlow):
		text = errSlow.Error()
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), maxShort)], "")
}

// maxShort bounds what is repeated of an answer.
const maxShort = 300

// status is that of an answer; 0 if there was none.
func status(err error) int {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// mayPass tells that the same, asked again, may be answered: a conflict of two writers, a busy or broken service, a lost connection, a
// clock of ours that the SDK has learnt to correct.
func (b *Bucket) mayPass(ctx context.Context, err error) bool {
	var cut *cutOff
	var torn *smithy.DeserializationError // an answer that ended early, or is none
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, errSlow), errors.As(err, &cut), errors.As(err, &torn), status(err) == http.StatusConflict, code(err) == "RequestTimeTooSkewed":
		return true
	}
	return b.retryer.IsErrorRetryable(err)
}

// explain says what an error means for a store, and what a person can do.
func (b *Bucket) explain(err error) error {
	if errors.Is(err, register.ErrLong) {
		return err
	}
	hint, c, s := "", code(err), status(err)
	var dial *net.OpError
	switch {
	case c == "NoSuchBucket":
		hint = "there is no bucket " + b.place.Bucket
	case s == http.StatusNotFound:
		return fmt.Errorf("%w", register.ErrNotFound)
	case s == http.StatusMovedPermanently, s == http.StatusTemporaryRedirect, c == "AuthorizationHeaderMalformed", c == "IllegalLocationConstraintException":
		hint = "the bucket is in another region than " + b.place.Region + b.region(err) + ": write s3://BUCKET/PREFIX?region=REGION"
	case c == "RequestTimeTooSkewed":
		hint = "the clock of this machine is not that of the service"
	case c == "InvalidAccessKeyId", c == "SignatureDoesNotMatch", c == "ExpiredToken", c == "InvalidToken", s == http.StatusUnauthorized:
		hint = "the service does not accept the credentials that the AWS SDK found"
	case s == http.StatusForbidden:
		hint = "these credentials may not do that here (needed: s3:GetObject, s3:PutObject, s3:ListBucket)"
	case s == http.StatusNotImplemented:
		hint = "the service does not know how to create a file only if there is none (If-None-Match): no register can be kept there"
	case s == http.StatusInsufficientStorage, c == "QuotaExceeded", c == "XMinioStorageFull":
		hint = "the store is full"
	case errors.As(err, &dial):
		hint = "the store cannot be reached"
	case b.mayPass(context.Background(), err):
		hint = fmt.Sprintf("the store did not answer as it should, %d times", attempts)
	default:
		hint = "the bucket refuses"
	}
	return &Trouble{Hint: hint, err: err}
}

// region is the one that an answer names for the bucket, in brackets.
func (b *Bucket) region(err error) string {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		if r := answer.Response.Header.Get("X-Amz-Bucket-Region"); regionName.MatchString(r) {
			return " (" + r + ")"
		}
	}
	return ""
}
