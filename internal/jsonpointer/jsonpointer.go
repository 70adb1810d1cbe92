// Package jsonpointer finds values in JSON by JSON pointers (RFC 6901). It reads what others wrote: numbers stay as they are
// written, and what is missing is an error, never an empty value.
package jsonpointer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Pointer is one pointer, such as /alerts/0/status; "" is none.
type Pointer string

// Pattern is the form of a pointer that leads to something.
const Pattern = `^(/([^~/]|~[01])*)+$`

var form = regexp.MustCompile(Pattern)

// UnmarshalText reads a pointer.
func (p *Pointer) UnmarshalText(text []byte) error {
	if !form.Match(text) {
		return fmt.Errorf("%q is no JSON pointer: write one such as /status or /0/lag", text)
	}
	*p = Pointer(text)
	return nil
}

// Decode reads one JSON value, and nothing behind it.
func Decode(data []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("it is not JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("it is more than one JSON value")
	}
	return v, nil
}

// In finds what stands at the pointer in a decoded value; the value itself for none.
func (p Pointer) In(v any) (any, error) {
	for _, key := range strings.Split(string(p), "/")[1:] {
		key = strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
		next, ok := step(v, key)
		if !ok {
			return nil, fmt.Errorf("nothing stands at %s", p)
		}
		v = next
	}
	return v, nil
}

func step(v any, key string) (any, bool) {
	switch in := v.(type) {
	case map[string]any:
		next, ok := in[key]
		return next, ok
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(in) {
			return in[i], true
		}
	}
	return nil, false
}

// Text finds one value as text: a text, number or truth as it is written, "null" for null.
func (p Pointer) Text(v any) (string, error) {
	v, err := p.In(v)
	if err != nil {
		return "", err
	}
	text, ok := Text(v)
	if !ok {
		return "", fmt.Errorf("no single value stands at %s", p)
	}
	return text, nil
}

// Text is a single value as text; false for a list or an object.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case map[string]any, []any:
		return "", false
	case nil:
		return "null", true
	default:
		return fmt.Sprint(v), true
	}
}
