package s3store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"blackstart/evidence/register"
)

// MaxBytes is what one PutObject takes.
const MaxBytes = 5 << 30

// Put implements register.Store. An attempt whose reply was lost may have been carried out: the next one is then refused because
// the name is taken, and what is there is compared.
func (b *Bucket) Put(ctx context.Context, name string, r io.ReadSeeker) error {
	hash := sha256.New()
	size, err := io.Copy(hash, r)
	if err == nil && size > MaxBytes {
		err = fmt.Errorf("it has %d bytes, a bucket takes %d at once", size, int64(MaxBytes))
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	sum := base64.StdEncoding.EncodeToString(hash.Sum(nil))
	for n := 1; ; n++ {
		step("asked")
		err := b.limited(ctx, size, func(ctx context.Context) error { return b.putOnce(ctx, name, r, size, sum) })
		step("answered")
		if err == nil {
			return nil
		}
		if status(err) == http.StatusPreconditionFailed {
			return b.taken(ctx, name, size, sum, n > 1)
		}
		if n == attempts || !b.mayPass(ctx, err) || b.pause(ctx, n, err) != nil {
			return fmt.Errorf("create %s: %w", name, b.explain(err))
		}
	}
}

func (b *Bucket) putOnce(ctx context.Context, name string, r io.ReadSeeker, size int64, sum string) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.place.Bucket, Key: b.key(name), Body: r, ContentLength: &size,
		IfNoneMatch: aws.String("*"), ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: &sum})
	return err
}

// taken says what it means that a name is taken: after an attempt of our own that may have been carried out, nothing, if these
// bytes are there.
func (b *Bucket) taken(ctx context.Context, name string, size int64, sum string, tried bool) error {
	if tried {
		there := ""
		err := b.ask(ctx, size, func(ctx context.Context) (err error) {
			there, err = b.sum(ctx, name, size)
			return err
		})
		if err != nil && !errors.Is(err, register.ErrLong) {
			return fmt.Errorf("read back %s: %w", name, b.explain(err))
		}
		if there == sum {
			return nil
		}
	}
	return fmt.Errorf("create %s: %w", name, register.ErrExists)
}

// sum is the SHA-256 of a file that has size bytes.
func (b *Bucket) sum(ctx context.Context, name string, size int64) (string, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.place.Bucket, Key: b.key(name)})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, io.LimitReader(out.Body, size+1))
	if err != nil {
		return "", &cutOff{err}
	}
	if n > size {
		return "", register.ErrLong
	}
	return base64.StdEncoding.EncodeToString(hash.Sum(nil)), nil
}
