package s3store

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Scheme begins the name of every place that is one of ours.
const Scheme = "s3://"

// Place is where a store lies: s3://BUCKET/PREFIX?region=REGION&endpoint=URL. Region and endpoint may be left out: then the
// AWS configuration of the environment says them.
type Place struct {
	Bucket, Prefix   string
	Region, Endpoint string
}

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixName = regexp.MustCompile(`^[A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*$`)
	regionName = regexp.MustCompile(`^[a-z0-9-]+$`)
)

// maxPlace bounds what is taken for a place; keys of S3 have up to 1 024 bytes.
const maxPlace = 800

// ParsePlace reads a place, strictly. What is refused is not repeated: it may hold a secret.
func ParsePlace(text string) (Place, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok || len(text) > maxPlace {
		return Place{}, errors.New("it is no s3://BUCKET/PREFIX")
	}
	rest, query, _ := strings.Cut(rest, "?")
	bucket, prefix, _ := strings.Cut(rest, "/")
	p := Place{Bucket: bucket, Prefix: strings.TrimSuffix(prefix, "/")}
	switch {
	case strings.Contains(bucket, "@"):
		return Place{}, errors.New("credentials do not stand in a store's name: the AWS SDK finds them (AWS_PROFILE, AWS_ACCESS_KEY_ID, a role)")
	case !bucketName.MatchString(bucket):
		return Place{}, fmt.Errorf("%.70q is no name of a bucket", bucket)
	case p.Prefix != "" && !prefixName.MatchString(p.Prefix):
		return Place{}, fmt.Errorf("the prefix %.70q has other parts than letters, digits, '.', '_', '=' and '-', with one slash between two", p.Prefix)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Place{}, errors.New("what follows the question mark cannot be read")
	}
	for key, all := range values {
		switch {
		case key != "region" && key != "endpoint":
			return Place{}, fmt.Errorf("after the question mark region= and endpoint= may stand, not %.30q", key)
		case len(all) != 1:
			return Place{}, fmt.Errorf("%s= stands there %d times", key, len(all))
		}
	}
	p.Region, p.Endpoint = values.Get("region"), strings.TrimSuffix(values.Get("endpoint"), "/")
	if p.Region != "" && !regionName.MatchString(p.Region) {
		return Place{}, fmt.Errorf("%.30q is no name of a region", p.Region)
	}
	if p.Endpoint != "" {
		return p, checkEndpoint(p.Endpoint)
	}
	return p, nil
}

func checkEndpoint(endpoint string) error {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("the endpoint is no http:// or https:// address")
	case u.User != nil:
		return errors.New("credentials do not stand in an endpoint: the AWS SDK finds them (AWS_PROFILE, AWS_ACCESS_KEY_ID, a role)")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return errors.New("the endpoint is an address and nothing more: http://HOST:PORT")
	}
	return nil
}

// String is the one way to write a place.
func (p Place) String() string {
	text := Scheme + p.Bucket
	if p.Prefix != "" {
		text += "/" + p.Prefix
	}
	values := url.Values{}
	for key, value := range map[string]string{"region": p.Region, "endpoint": p.Endpoint} {
		if value != "" {
			values.Set(key, value)
		}
	}
	if len(values) > 0 {
		text += "?" + strings.NewReplacer("%3A", ":", "%2F", "/").Replace(values.Encode())
	}
	return text
}

// Plain tells that what is written there crosses the network unencrypted.
func (p Place) Plain() bool { return strings.HasPrefix(p.Endpoint, "http://") }
