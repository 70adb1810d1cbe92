package s3store

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Held says how the bucket keeps files from being deleted: Object Lock is the bucket's own, and its default retention holds every file from
// the moment it is made. The bucket says so; nothing is deleted to try it.
func (b *Bucket) Held(ctx context.Context) (string, error) {
	var lock *s3.GetObjectLockConfigurationOutput
	err := b.ask(ctx, 0, func(ctx context.Context) (err error) {
		lock, err = b.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b.place.Bucket})
		return err
	})
	const nothing = ": whoever may delete in the bucket can delete entries, and only packs that were kept elsewhere show it"
	switch {
	case code(err) == "ObjectLockConfigurationNotFoundError", status(err) == http.StatusNotFound:
		return "no Object Lock" + nothing, nil
	case status(err) == http.StatusForbidden:
		return "not known: these credentials may not ask for it (s3:GetBucketObjectLockConfiguration)", nil
	case status(err) == http.StatusNotImplemented, status(err) == http.StatusMethodNotAllowed:
		return "the service knows no Object Lock" + nothing, nil
	case err != nil:
		return "", fmt.Errorf("ask for the bucket's Object Lock: %w", b.explain(err))
	case lock.ObjectLockConfiguration == nil || lock.ObjectLockConfiguration.ObjectLockEnabled != types.ObjectLockEnabledEnabled:
		return "no Object Lock" + nothing, nil
	}
	rule := lock.ObjectLockConfiguration.Rule
	if rule == nil || rule.DefaultRetention == nil {
		return "Object Lock is on and holds nothing, since the bucket has no default retention" + nothing, nil
	}
	long := fmt.Sprintf("%d days", aws.ToInt32(rule.DefaultRetention.Days))
	if years := aws.ToInt32(rule.DefaultRetention.Years); years > 0 {
		long = fmt.Sprintf("%d years", years)
	}
	how := fmt.Sprintf("Object Lock, %s: every file is held for %s from when it is made", rule.DefaultRetention.Mode, long)
	if rule.DefaultRetention.Mode != types.ObjectLockRetentionModeCompliance {
		how += "; whoever may bypass that mode can still delete"
	}
	return how, nil
}
