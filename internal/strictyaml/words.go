package strictyaml

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

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

// NumberHint says how a number is written without its comma or its leading zeros, or gives the other hint.
func NumberHint(text, other string) string {
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
func (c converter) splitAtComma(here *Node, n *yaml.Node, i int) bool {
	if n.Style&yaml.FlowStyle == 0 || len(here.Entries) == 0 || !restOfNumber(n.Content[i], n.Content[i+1]) {
		return false
	}
	before := here.Entries[len(here.Entries)-1].Value
	if before.Kind != Scalar || before.style != 0 || !endsInDigit.MatchString(before.Text) {
		return false
	}
	if before.Broken { // by us, at the comma before this one
		return true
	}
	whole := before.Text
	for ; i+1 < len(n.Content) && restOfNumber(n.Content[i], n.Content[i+1]); i += 2 {
		whole += "," + n.Content[i].Value
	}
	c.out.Add(before.Pos, NumberHint(whole, "write it without the comma, or in quotes"), "%s is parted at its comma", whole)
	before.Broken = true
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
		return NumberHint(text, "write a whole number, such as 500")
	}
	if i, _ := strconv.Atoi(text); i > MaxInt { // ten digits fit
		return "write at most " + strconv.Itoa(MaxInt)
	}
	return NumberHint(text, "write it without quotes: "+text)
}

var placeholders = []string{"", "na", "n/a", "none", "unknown", "later", "placeholder", "to do", "to be done", "to be defined", "to be determined", "to-do", "tbc", "wip", "dummy", "fill in", "change me", "changeme"}

var beginsUndone = regexp.MustCompile(`(?i)^(todo|tbd|tba|fixme|xxx)(\PL|$)`)

// placeholder tells whether a text only keeps the place of one.
func placeholder(n *Node) bool {
	if n.Kind != Scalar || n.Tag != "!!str" || n.Broken || strings.TrimSpace(n.Text) == "" {
		return false // what is not there at all is reported as that
	}
	bare := strings.Trim(strings.ToLower(n.Text), " .…!?:;-–—_*<>[](){}/")
	return slices.Contains(placeholders, bare) || beginsUndone.MatchString(strings.Trim(n.Text, " <[({*_-"))
}
