package scenarios

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"blackstart/harness"

	"gopkg.in/yaml.v3"
)

// withoutComma is a number as it is written here, where somebody wrote it with a comma: one that parts thousands goes, one that
// parts decimals becomes a point. The text comes back as it is where it holds no number with a comma.
func withoutComma(text string) string {
	if !commaNumber.MatchString(text) {
		return text
	}
	if thousands.MatchString(text) && !strings.HasSuffix(text, "%") {
		return strings.ReplaceAll(text, ",", "")
	}
	return strings.Replace(text, ",", ".", 1)
}

var (
	commaNumber = regexp.MustCompile(`^\d+(,\d+)+(\.\d+)?([/%a-zµ]\S*)?$`)
	thousands   = regexp.MustCompile(`^\d{1,3}(,\d{3})+(\.\d+)?([/%a-zµ]\S*)?$`)
)

var leadingZeros = regexp.MustCompile(`^0+(\d)`)

// numberHint says how a number is written without its comma or its leading zeros, or gives the other hint.
func numberHint(text, other string) string {
	plain := withoutComma(text)
	bare := leadingZeros.ReplaceAllString(plain, "$1")
	switch {
	case bare != plain:
		return "write " + bare + ": elsewhere a leading zero means another base"
	case plain != text:
		return "write " + plain + ", without the comma"
	}
	return other
}

// splitAtComma finds a number whose comma parted it in two inside braces: {rate: 10,000/s} has the keys rate and 000/s. It is
// reported once, at the number, and the keys that are none are skipped.
func (c converter) splitAtComma(here *node, n *yaml.Node, i int) bool {
	if n.Style&yaml.FlowStyle == 0 || len(here.entries) == 0 || !restOfNumber(n.Content[i], n.Content[i+1]) {
		return false
	}
	before := here.entries[len(here.entries)-1].value
	if before.kind != scalar || before.style != 0 || !endsInDigit.MatchString(before.text) {
		return false
	}
	if before.broken { // by us, at the comma before this one
		return true
	}
	whole := before.text
	for ; i+1 < len(n.Content) && restOfNumber(n.Content[i], n.Content[i+1]); i += 2 {
		whole += "," + n.Content[i].Value
	}
	c.out.add(before.pos, numberHint(whole, "write it without the comma, or in quotes"), "%s is parted at its comma", whole)
	before.broken = true
	return true
}

var endsInDigit = regexp.MustCompile(`^\d+$`)

var numberRest = regexp.MustCompile(`^\d+([.]\d+)?([/%a-zµ]\S*)?$`)

// restOfNumber tells whether a key without a value is what follows the comma of a number.
func restOfNumber(key, value *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Style == 0 && numberRest.MatchString(key.Value) &&
		value.Kind == yaml.ScalarNode && value.ShortTag() == "!!null" && value.Value == ""
}

// boolHint says how a truth is written.
func boolHint(text string) string {
	switch strings.ToLower(text) {
	case "true", "false":
		return "write it without quotes: " + strings.ToLower(text)
	case "yes", "y", "on", "1":
		return "write true"
	case "no", "n", "off", "0":
		return "write false"
	}
	return "write true or false"
}

var wholeNumber = regexp.MustCompile(`^\d{1,10}$`)

// intHint says how a whole number is written.
func intHint(text string) string {
	if !wholeNumber.MatchString(text) {
		return numberHint(text, "write a whole number, such as 500")
	}
	if i, _ := strconv.Atoi(text); i > maxInt { // ten digits fit
		return "write at most " + strconv.Itoa(maxInt)
	}
	return numberHint(text, "write it without quotes: "+text)
}

// prose are the keys whose text a person has to have thought about.
var prose = []string{"title", "why", "source"}

var placeholders = []string{"", "na", "n/a", "none", "unknown", "later", "placeholder", "to do", "to be done", "to be defined", "to be determined", "to-do", "tbc", "wip", "dummy", "fill in", "change me", "changeme"}

var beginsUndone = regexp.MustCompile(`(?i)^(todo|tbd|tba|fixme|xxx)(\PL|$)`)

// placeholder tells whether a text only keeps the place of one.
func placeholder(n *node) bool {
	if n.kind != scalar || n.tag != "!!str" || n.broken || strings.TrimSpace(n.text) == "" {
		return false // what is not there at all is reported as that
	}
	bare := strings.Trim(strings.ToLower(n.text), " .…!?:;-–—_*<>[](){}/")
	return slices.Contains(placeholders, bare) || beginsUndone.MatchString(strings.Trim(n.text, " <[({*_-"))
}

// gone are keys of the whole file that earlier versions had, with what is true without them.
var gone = map[string]string{
	"undo":       "leave it out: every drill settles, fences the old primary where one could be left, and takes everything back",
	"failback":   "leave it out: roles always stay as the failover left them",
	"frameworks": "leave it out: every pack has the reports of all frameworks",
	"seed":       "leave it out: nothing in a drill is drawn by lot",
}

// unknownHint says what to write in place of a key that a structure does not have.
func unknownHint(t reflect.Type, key string, keys []string) string {
	if hint := gone[key]; hint != "" && t == reflect.TypeFor[harness.Scenario]() {
		return hint
	}
	return suggest(key, keys)
}
