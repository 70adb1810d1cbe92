package pades

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// hex reads a string of hexadecimal digits, <48656c6c6f>.
func (l *lexer) hex() (object, error) {
	start := l.pos
	l.pos++
	end := bytes.IndexByte(l.b[l.pos:], '>')
	if end < 0 {
		return nil, fmt.Errorf("read string at byte %d: %w", start, errEnd)
	}
	digits := make([]byte, 0, end+1)
	for _, c := range l.b[l.pos : l.pos+end] {
		if !isSpace(c) {
			digits = append(digits, c)
		}
	}
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	val := make([]byte, len(digits)/2)
	if _, err := hex.Decode(val, digits); err != nil {
		return nil, fmt.Errorf("read string at byte %d: %w", start, err)
	}
	l.pos += end + 1
	return text{val: val, start: start, end: l.pos, hex: true}, nil
}

// literal reads a string in parentheses, with balanced inner ones and backslash escapes.
func (l *lexer) literal() (object, error) {
	start := l.pos
	l.pos++
	val, level := []byte{}, 1
	for l.pos < len(l.b) {
		c := l.b[l.pos]
		l.pos++
		switch c {
		case '(':
			level++
		case ')':
			if level--; level == 0 {
				return text{val: val, start: start, end: l.pos}, nil
			}
		case '\\':
			val = l.escape(val)
			continue
		case '\r': // an end of line inside a string is always one \n
			if l.pos < len(l.b) && l.b[l.pos] == '\n' {
				l.pos++
			}
			c = '\n'
		}
		val = append(val, c)
	}
	return nil, fmt.Errorf("read string at byte %d: %w", start, errEnd)
}

// escape reads what follows a backslash and appends its meaning to val.
func (l *lexer) escape(val []byte) []byte {
	if l.pos >= len(l.b) {
		return val
	}
	c := l.b[l.pos]
	l.pos++
	switch c {
	case 'n':
		return append(val, '\n')
	case 'r':
		return append(val, '\r')
	case 't':
		return append(val, '\t')
	case 'b':
		return append(val, '\b')
	case 'f':
		return append(val, '\f')
	case '\n':
		return val
	case '\r':
		if l.pos < len(l.b) && l.b[l.pos] == '\n' {
			l.pos++
		}
		return val
	}
	if c < '0' || c > '7' {
		return append(val, c)
	}
	code := int(c - '0')
	for i := 0; i < 2 && l.pos < len(l.b) && l.b[l.pos] >= '0' && l.b[l.pos] <= '7'; i++ {
		code = code*8 + int(l.b[l.pos]-'0')
		l.pos++
	}
	return append(val, byte(code))
}

// encodeText gives the PDF text string for s: ASCII as it is, anything else UTF-16 with its byte order mark.
func encodeText(s string) text {
	ascii := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			ascii = false
		}
	}
	if ascii {
		return text{val: []byte(s)}
	}
	val := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		val = append(val, byte(u>>8), byte(u))
	}
	return text{val: val, hex: true}
}

// decodeText reads a PDF text string; bytes outside ASCII that carry no byte order mark become U+FFFD.
func decodeText(o object) string {
	t, ok := o.(text)
	if !ok {
		return ""
	}
	v := t.val
	if len(v) >= 2 && v[0] == 0xfe && v[1] == 0xff {
		var units []uint16
		for i := 2; i+1 < len(v); i += 2 {
			units = append(units, uint16(v[i])<<8|uint16(v[i+1]))
		}
		return string(utf16.Decode(units))
	}
	out := make([]byte, 0, len(v))
	for _, c := range v {
		if c >= utf8.RuneSelf {
			out = append(out, "\uFFFD"...)
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

// appendObject writes o in PDF syntax.
func appendObject(b []byte, o object) []byte {
	switch v := o.(type) {
	case nil:
		return append(b, "null"...)
	case boolean:
		return fmt.Appendf(b, "%t", bool(v))
	case number:
		return append(b, v...)
	case name:
		return append(append(b, '/'), v...)
	case ref:
		return fmt.Appendf(b, "%d %d R", v.num, v.gen)
	case text:
		return appendText(b, v)
	case array:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ' ')
			}
			b = appendObject(b, e)
		}
		return append(b, ']')
	case dict:
		b = append(b, "<<"...)
		for _, e := range v {
			b = append(append(b, " /"...), e.key...)
			b = appendObject(append(b, ' '), e.val)
		}
		return append(b, " >>"...)
	}
	panic(fmt.Sprintf("pades: cannot write a %T", o)) // unreachable: the tokenizer makes no other type
}

func appendText(b []byte, t text) []byte {
	if t.hex {
		return fmt.Appendf(b, "<%x>", t.val)
	}
	b = append(b, '(')
	for _, c := range t.val {
		switch {
		case c == '(' || c == ')' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = fmt.Appendf(b, "\\%03o", c)
		default:
			b = append(b, c)
		}
	}
	return append(b, ')')
}
