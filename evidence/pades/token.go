package pades

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// The objects a PDF is made of. Numbers and names keep the bytes they were written with, so that a rewritten
// dictionary says what the original said.
type (
	object  any // nil, boolean, number, name, text, array, dict or ref
	boolean bool
	number  string
	name    string // without the slash, escapes as written
	array   []object
	ref     struct{ num, gen int }
	entry   struct {
		key name
		val object
	}
	dict []entry
	text struct {
		val        []byte
		start, end int // where the token stands in the file, delimiters included
		hex        bool
	}
)

// get returns the value of a key, nil when it is absent.
func (d dict) get(key name) object {
	for _, e := range d {
		if e.key == key {
			return e.val
		}
	}
	return nil
}

// with returns a copy of d in which key has the value val.
func (d dict) with(key name, val object) dict {
	out := make(dict, 0, len(d)+1)
	found := false
	for _, e := range d {
		if e.key == key {
			e.val, found = val, true
		}
		out = append(out, e)
	}
	if !found {
		out = append(out, entry{key, val})
	}
	return out
}

// without returns a copy of d that lacks the given keys.
func (d dict) without(keys ...name) dict {
	out := make(dict, 0, len(d))
next:
	for _, e := range d {
		for _, k := range keys {
			if e.key == k {
				continue next
			}
		}
		out = append(out, e)
	}
	return out
}

// lexer reads objects from b, starting at pos. Positions are offsets into the whole file.
type lexer struct {
	b    []byte
	pos  int
	read int // objects so far
}

var errEnd = errors.New("the data ends too early")

func isSpace(c byte) bool {
	return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' '
}

func isDelim(c byte) bool {
	return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// skip passes over white space and comments.
func (l *lexer) skip() {
	for l.pos < len(l.b) {
		c := l.b[l.pos]
		switch {
		case isSpace(c):
			l.pos++
		case c == '%':
			for l.pos < len(l.b) && l.b[l.pos] != '\n' && l.b[l.pos] != '\r' {
				l.pos++
			}
		default:
			return
		}
	}
}

// word returns the run of regular characters at the current place.
func (l *lexer) word() string {
	start := l.pos
	for l.pos < len(l.b) && !isSpace(l.b[l.pos]) && !isDelim(l.b[l.pos]) {
		l.pos++
	}
	return string(l.b[start:l.pos])
}

// expect passes over white space and then exactly the word w.
func (l *lexer) expect(w string) error {
	l.skip()
	at := l.pos
	if got := l.word(); got != w {
		return fmt.Errorf("read %q at byte %d: found %.20q", w, at, got)
	}
	return nil
}

// integer reads one non-negative integer in decimal digits.
func (l *lexer) integer() (int, error) {
	l.skip()
	at := l.pos
	n, ok := toInt(number(l.word()))
	if !ok {
		return 0, fmt.Errorf("read number at byte %d: not a non-negative integer", at)
	}
	return n, nil
}

// toInt converts a number of decimal digits only; ok is false for anything else.
func toInt(o object) (n int, ok bool) {
	s, isNumber := o.(number)
	if !isNumber || s == "" || len(s) > 10 {
		return 0, false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
	}
	n, err := strconv.Atoi(string(s))
	return n, err == nil
}

// object reads one object of any type.
func (l *lexer) object(depth int) (object, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("read object at byte %d: nested deeper than %d", l.pos, maxDepth)
	}
	if l.read++; l.read > maxTokens {
		return nil, fmt.Errorf("read object at byte %d: more than %d parts", l.pos, maxTokens)
	}
	l.skip()
	if l.pos >= len(l.b) {
		return nil, errEnd
	}
	switch c := l.b[l.pos]; {
	case c == '/':
		l.pos++
		return name(l.word()), nil
	case c == '(':
		return l.literal()
	case c == '<' && l.pos+1 < len(l.b) && l.b[l.pos+1] == '<':
		return l.dict(depth)
	case c == '<':
		return l.hex()
	case c == '[':
		return l.array(depth)
	}
	return l.plain()
}

// plain reads a number, a reference or one of the three keywords.
func (l *lexer) plain() (object, error) {
	at := l.pos
	w := l.word()
	switch w {
	case "true":
		return boolean(true), nil
	case "false":
		return boolean(false), nil
	case "null":
		return nil, nil
	}
	if !isNumber(w) {
		return nil, fmt.Errorf("read object at byte %d: unexpected %.20q", at, w)
	}
	num, ok := toInt(number(w))
	if !ok {
		return number(w), nil
	}
	back := l.pos
	if gen, err := l.integer(); err == nil {
		l.skip()
		if l.word() == "R" {
			return ref{num, gen}, nil
		}
	}
	l.pos = back
	return number(w), nil
}

func isNumber(w string) bool {
	digits, dots := 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case isDigit(c):
			digits++
		case c == '.':
			dots++
		case (c == '+' || c == '-') && i == 0:
		default:
			return false
		}
	}
	return digits > 0 && dots <= 1
}

func (l *lexer) array(depth int) (object, error) {
	start := l.pos
	l.pos++
	out := array{}
	for {
		l.skip()
		if l.pos >= len(l.b) {
			return nil, fmt.Errorf("read array at byte %d: %w", start, errEnd)
		}
		if l.b[l.pos] == ']' {
			l.pos++
			return out, nil
		}
		if len(out) >= maxItems {
			return nil, fmt.Errorf("read array at byte %d: more than %d entries", start, maxItems)
		}
		o, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
}

// dict reads a dictionary. A key that stands in it twice is an error: readers disagree on which one counts.
func (l *lexer) dict(depth int) (object, error) {
	start := l.pos
	l.pos += 2
	out, seen := dict{}, map[name]bool{}
	for {
		l.skip()
		if l.pos+1 >= len(l.b) {
			return nil, fmt.Errorf("read dictionary at byte %d: %w", start, errEnd)
		}
		if l.b[l.pos] == '>' && l.b[l.pos+1] == '>' {
			l.pos += 2
			return out, nil
		}
		if l.b[l.pos] != '/' {
			return nil, fmt.Errorf("read dictionary at byte %d: key expected at byte %d", start, l.pos)
		}
		l.pos++
		key := name(l.word())
		if seen[key] || len(out) >= maxItems {
			return nil, fmt.Errorf("read dictionary at byte %d: key /%.40s twice, or too many keys", start, key)
		}
		seen[key] = true
		val, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{key, val})
	}
}
