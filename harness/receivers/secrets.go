package receivers

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxText    = 300 // bytes of a text kept in an arrival
	maxScanned = 4 << 10
	redacted   = "[redacted]"
)

// secrets are what a message of this drill carries, one for each channel, all derived from the nonce so that none of them
// tells another.
type secrets struct {
	tokens  map[string]string // by channel: 32 hex digits, as PagerDuty's keys are alphanumeric and 32 long; nil where the target has keys of its own
	pattern *regexp.Regexp    // any of them, or the nonce, in any case
}

func deriveSecrets(nonce string) secrets {
	s := secrets{tokens: map[string]string{}}
	any := []string{regexp.QuoteMeta(nonce)}
	for _, channel := range Channels.Names() {
		sum := sha256.Sum256([]byte("blackstart " + channel + " " + nonce))
		s.tokens[channel] = hex.EncodeToString(sum[:16])
		any = append(any, s.tokens[channel])
	}
	s.pattern = regexp.MustCompile(`(?i)` + strings.Join(any, "|"))
	return s
}

// fixedSecrets are keys that a target has: whole, and without what stands around them.
func fixedSecrets(keys ...string) secrets {
	if len(keys) == 0 {
		return secrets{pattern: regexp.MustCompile(`[^\x00-\x{10FFFF}]`)} // nothing
	}
	var any []string
	for _, key := range keys {
		any = append(any, regexp.QuoteMeta(key))
	}
	return secrets{pattern: regexp.MustCompile(`(?i)` + strings.Join(any, "|"))}
}

// redactText takes every secret out of foreign text, makes it one line of valid UTF-8 and cuts it to limit bytes. The secrets
// go first, so that no cut leaves half of one.
func (s secrets) redactText(text string, limit int) string {
	text = oneLine(s.pattern.ReplaceAllString(text, redacted), limit)
	return strings.TrimSpace(s.pattern.ReplaceAllString(text, "")) // control characters may have hidden one
}

// OneLine makes foreign text, which holds no secret, one line of valid UTF-8 that is short enough for an arrival.
func OneLine(text string) string { return strings.TrimSpace(oneLine(text, maxText)) }

func oneLine(text string, limit int) string {
	if len(text) > maxScanned {
		text = text[:maxScanned]
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	for len(text) > limit {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// same compares secrets in a time that does not depend on where they differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
