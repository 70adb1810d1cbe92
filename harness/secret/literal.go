package secret

import (
	"regexp"
	"strings"
)

// words are those that a secret is named by, wherever it stands.
const words = `pass(word|wd|phrase)?|token|credentials?|(api|auth|access|account|application|functions?|master|shared|signing|subscription)[-_]?key`

// names are keys and headers that hold a secret, whatever they are written like.
var names = regexp.MustCompile(`(?i)^([a-z0-9]+[-_. ]?)*(` + words + `|secret|private[-_]?key|authorization|cookie)$`)

// innocent are names that end like those and hold none.
var innocent = regexp.MustCompile(`(?i)(file|path|name|env)$`)

// NameOfOne tells whether a key, or a header, is one whose value is a secret.
func NameOfOne(name string) bool { return names.MatchString(name) && !innocent.MatchString(name) }

// inside are forms in which a secret stands in another text.
var inside = []struct {
	form *regexp.Regexp
	what string
}{
	{regexp.MustCompile(`://[^/?#\s@]*:[^/?#\s@]+@`), "an address with a password in it"},
	{regexp.MustCompile(`^[^\s/@:]+:[^\s/@]+@[^\s/@]+$`), "an address with a password in it"},
	// --secret NAME of a cloud's command line names one
	{regexp.MustCompile(`(?i)(` + words + `|client[-_]?secret|(^|[^-\w])secret)[\\'"]*\s*[=:]\s*[\\'"]*[^\s\\'"{$]`), "a secret after its name"},
	{regexp.MustCompile(`(?i)<[^<>]*(` + words + `|secret)>\s*[^\s<{$]`), "a secret after its name"},
	{regexp.MustCompile(`(?i)\bpassword\s+'[^']`), "a password in a statement"},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9+/._~-]{8,}=*`), "a header that authorises"},
	{regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`), "a private key"},
	{regexp.MustCompile(`(?i)^--?([a-z0-9]+[-_])*(` + words + `|client[-_]?secret)$`), "an option that takes a secret, which every process here could then read"},
	{regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`), "an access key"},
}

// commands are those whose short options take a secret.
var commands = regexp.MustCompile(`\bcurl\s(.*\s)?(-[a-zA-Z]*[uU]|--user|--proxy-user)[\s=]*['"]?[^\s:]+:[^\s'"$]|` +
	`\bredis-cli\s(.*\s)?-a\s*\S|\bsshpass\s(-\S+\s+)*-p\s*\S|\b(mysql|mysqladmin|mysqldump|mariadb)\s(.*\s)?-p\S|\bmongo(sh)?\s(.*\s)?-p\s*\S|` +
	`\bldap[a-z]+\s(.*\s)?-w\s*\S|\bsqlcmd\s(.*\s)?-P\s*\S|(^|/)(https?|xh)\s(.*\s)?(-a|--auth)[\s=]*\S`)

// Command says what of a secret a program and its arguments hold, which each by itself do not show; "" if nothing.
func Command(argv []string) string {
	if commands.MatchString(strings.Join(argv, " ")) {
		return "an argument that is a secret, which every process here could then read"
	}
	return ""
}

// Literal says what of a secret stands in a text that should hold none; "" if nothing does.
func Literal(text string) string {
	for _, l := range inside {
		if l.form.MatchString(text) {
			return l.what
		}
	}
	return Command([]string{text}) // a line for a shell
}

var written = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.-]*)["']?\s*:\s+("[^"]*"|'[^']*'|[^,}\s][^,}]*)`)

var reference = regexp.MustCompile(`^\{\s*(env|file|exec)\s*:`)

// Written finds, in the lines of a file, what somebody wrote as a value where a secret is meant, so that no error repeats it: the
// value and each of its words. References are not among them.
func Written(file string) []string {
	var all []string
	for line := range strings.Lines(file) {
		for _, at := range written.FindAllStringSubmatchIndex(strings.TrimRight(line, "\r\n"), -1) {
			value := line[at[4]:at[5]]
			if !NameOfOne(line[at[2]:at[3]]) || reference.MatchString(value) {
				continue
			}
			if !strings.Contains(line[:at[2]], "{") { // outside braces a comma ends nothing
				value = line[at[4]:]
			}
			for _, w := range append([]string{strings.TrimSpace(value)}, strings.Fields(value)...) {
				if w = strings.Trim(w, `"'*&!|>{}[],:`); len(w) >= 3 {
					all = append(all, w)
				}
			}
		}
	}
	return all
}
