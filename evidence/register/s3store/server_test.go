package s3store

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"blackstart/evidence/register"
	"blackstart/evidence/register/conformance"
	"blackstart/internal/fakebucket"
)

// serverEnv names versitygw, a server of S3 that keeps objects in directories: `make stores` builds it.
const serverEnv = "BLACKSTART_S3_SERVER"

// startServer starts it with versions, and makes a bucket with Object Lock. It gives a place in that bucket.
func startServer(t *testing.T) string {
	t.Helper()
	program := os.Getenv(serverEnv)
	if program == "" {
		t.Skip("`make stores` runs it, with a server of S3 that takes two minutes to build")
	}
	account(t)
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	data, versions := filepath.Join(dir, "data"), filepath.Join(dir, "versions")
	for _, d := range []string{data, versions} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, "--quiet", "--port", address, "posix", "--versioning-dir", versions, data)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+fakebucket.Access, "ROOT_SECRET_ACCESS_KEY="+fakebucket.Secret, "VGW_REGION="+fakebucket.Region)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	place := "s3://evidence/firm?region=" + fakebucket.Region + "&endpoint=http://" + address
	b := opened(t, place)
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		_, err := b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("evidence"), ObjectLockEnabledForBucket: aws.Bool(true)})
		if err == nil {
			break
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatal(err)
		}
	}
	return place
}

// holdForADay gives the bucket a default retention.
func holdForADay(t *testing.T, b *Bucket) {
	t.Helper()
	_, err := b.client.PutObjectLockConfiguration(context.Background(), &s3.PutObjectLockConfigurationInput{Bucket: &b.place.Bucket,
		ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: types.ObjectLockEnabledEnabled,
			Rule: &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Days: aws.Int32(1), Mode: types.ObjectLockRetentionModeCompliance}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestServerConforms: the same on a server that we did not write.
func TestServerConforms(t *testing.T) {
	place := startServer(t)
	conformance.Stores(t, func(t *testing.T) register.Store {
		return opened(t, strings.Replace(place, "firm", fmt.Sprintf("firm/%d", prefixes.Add(1)), 1))
	})
}

// TestServerHolds what is in a bucket with Object Lock: not even its owner can delete an entry before its time.
func TestServerHolds(t *testing.T) {
	b := opened(t, startServer(t))
	if said, err := b.Held(t.Context()); err != nil || !strings.Contains(said, "no default retention") {
		t.Errorf("%q, %v", said, err)
	}
	holdForADay(t, b)
	if err := b.Put(t.Context(), "late", strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if said, err := b.Held(t.Context()); err != nil || !strings.Contains(said, "Object Lock, COMPLIANCE: every file is held for 1 days") {
		t.Errorf("%q, %v", said, err)
	}
	head, err := b.client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.place.Bucket, Key: b.key("late")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &b.place.Bucket, Key: b.key("late"), VersionId: head.VersionId}); err == nil {
		t.Error("what is held was deleted")
	}
}

// TestServerWrongRegionAndBucket are said in words by a server that we did not write, too.
func TestServerWrongRegionAndBucket(t *testing.T) {
	place := startServer(t)
	for text, want := range map[string]string{
		strings.Replace(place, fakebucket.Region, "us-east-1", 1): "in another region than us-east-1",
		strings.Replace(place, "evidence", "another", 1):          "there is no bucket another",
	} {
		if err := opened(t, text).Put(t.Context(), "x", strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another")
	if err := opened(t, place).Put(t.Context(), "x", strings.NewReader("x")); err == nil || !strings.Contains(err.Error(), "does not accept the credentials") {
		t.Errorf("%v", err)
	}
}

func TestServerTwoWritersThatAreKilled(t *testing.T) {
	killedWriters(t, startServer(t))
}
