package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byteOrderMark may begin a file, and is refused everywhere else.
const byteOrderMark = '\ufeff'

// joiners hold letters and pictures together in scripts that need them. They are invisible, and harmless.
const joiners = "\u200c\u200d"

// hiddenCharacter says what is wrong with a character that does not look like what it is, and what to write instead; "" if
// nothing is. Such a character is printed raw by terminals, turns the text around it, or ends a line in a file that has one value
// a line.
func hiddenCharacter(r rune) (what, hint string) {
	switch {
	case r == byteOrderMark:
		return "a byte order mark (U+FEFF), which may only begin a file", "delete it"
	case unicode.IsControl(r):
		return fmt.Sprintf("the control character U+%04X", r), "delete it"
	case unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Noncharacter_Code_Point, r):
		return fmt.Sprintf("the character U+%04X, which is none to print", r), "delete it"
	case unicode.Is(unicode.Cf, r) && !strings.ContainsRune(joiners, r):
		return fmt.Sprintf("the invisible character U+%04X, which hides or turns the text around it", r), "delete it"
	}
	return "", ""
}

// CheckText says what is wrong with a text that is not from a file and goes where its texts go: it must be one line of UTF-8
// of at most so many bytes, without a character that does not show.
func CheckText(text string, most int) error {
	switch {
	case !utf8.ValidString(text):
		return errors.New("it is not text in UTF-8")
	case len(text) > most:
		return fmt.Errorf("it has %d letters, at most %d are possible", len(text), most)
	}
	for _, r := range text {
		if what, _ := hiddenCharacter(r); what != "" {
			return fmt.Errorf("it holds %s", what)
		}
	}
	return nil
}

// checkVisible checks one line of a file, comments included: what a person reads must be what the file says.
func checkVisible(at Pos, line []byte, out *Collector) bool {
	if !utf8.Valid(line) {
		return false // it has been reported
	}
	if at.Line == 1 {
		line = bytes.TrimPrefix(line, []byte(string(byteOrderMark)))
	}
	comment := commentAt(line)
	for i, r := range string(line) {
		if r == '\t' || strings.ContainsRune(hiddenBreaks+"\x00", r) { // these are reported by their own rules
			continue
		}
		if what, hint := hiddenCharacter(r); what != "" {
			at.Col = utf8.RuneCount(line[:i]) + 1
			out.Add(at, hint, "%s", "this line holds "+what)
			return false
		}
		if r != ' ' && unicode.Is(unicode.Zs, r) && i < comment {
			at.Col = utf8.RuneCount(line[:i]) + 1
			out.Add(at, "write a plain space", "%s", fmt.Sprintf("this line holds %s, which looks like a space and is none for YAML", spaceName(r)))
			return false
		}
	}
	return true
}

// spaceName names a space that is none.
func spaceName(r rune) string {
	if r == '\u00a0' {
		return "a no-break space (U+00A0)"
	}
	return fmt.Sprintf("the space U+%04X", r)
}

// commentAt is where the comment of a line begins, or its length. A # inside quotes is taken for one, too: that only makes the
// check of spaces behind it milder.
func commentAt(line []byte) int {
	for i, b := range line {
		if b == '#' && (i == 0 || line[i-1] == ' ') {
			return i
		}
	}
	return len(line)
}

// legibleText checks a value or a key as YAML gives it: an escape in quotes writes what the file does not show.
func (c converter) legibleText(at Pos, what, text string) bool {
	for _, r := range text {
		if r == '\n' {
			c.out.Add(at, "write it on one line, or begin it with >- and go on in the next lines", "%s has more than one line", what)
			return false
		}
		if found, hint := hiddenCharacter(r); found != "" {
			c.out.Add(at, hint, "%s holds %s", what, found)
			return false
		}
	}
	return true
}
