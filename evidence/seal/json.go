package seal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckJSON returns an error unless data is one JSON document in the strict
// form of a pack: UTF-8, a final newline, no key twice in one object (case
// ignored, since Go matches keys that way), integers only with |n| < 2^53, no
// surrogate escapes, nesting up to MaxJSONDepth.
func CheckJSON(data []byte) error {
	_, err := parseJSON(data)
	return err
}

// StrictDecode is CheckJSON followed by decoding into v, a non-nil pointer.
// Keys that v does not have, or has in another case, are errors.
func StrictDecode(data []byte, v any) error {
	tree, err := parseJSON(data)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode json: %w", err)
	}
	return exactKeys(reflect.TypeOf(v), tree)
}

func parseJSON(data []byte) (any, error) {
	switch {
	case len(data) > MaxJSONBytes:
		return nil, fmt.Errorf("check json: longer than %d bytes", MaxJSONBytes)
	case !utf8.Valid(data):
		return nil, fmt.Errorf("check json: not UTF-8")
	case len(data) == 0 || data[len(data)-1] != '\n':
		return nil, fmt.Errorf("check json: no newline at the end")
	}
	if err := refuseSurrogates(data); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	values := maxJSONValues
	tree, err := parseValue(d, 0, &values)
	if err != nil {
		return nil, fmt.Errorf("check json: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("check json: something follows the document")
	}
	return tree, nil
}

// refuseSurrogates finds \uD800 to \uDFFF: Go replaces lone ones silently, so
// two different files would read the same. A backslash stands only in strings.
func refuseSurrogates(data []byte) error {
	for i := 0; i+1 < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if data[i] != 'u' || i+4 >= len(data) {
			continue
		}
		n, err := strconv.ParseUint(string(data[i+1:i+5]), 16, 16)
		if err == nil && 0xD800 <= n && n <= 0xDFFF {
			return fmt.Errorf("check json: surrogate escape at byte %d; write the character itself", i-1)
		}
	}
	return nil
}

// maxJSONValues bounds the values of a document: a small file of brackets must not take the memory of a large one.
const maxJSONValues = 1 << 17

func parseValue(d *json.Decoder, depth int, values *int) (any, error) {
	if depth > MaxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d", MaxJSONDepth)
	}
	tok, err := d.Token()
	if *values--; *values < 0 {
		return nil, fmt.Errorf("more than %d values", maxJSONValues)
	}
	if err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Number:
		return t, checkInteger(t.String())
	case json.Delim:
		if t == '{' {
			return parseObject(d, depth, values)
		}
		return parseArray(d, depth, values)
	}
	return tok, nil
}

func parseObject(d *json.Decoder, depth int, values *int) (any, error) {
	obj, seen := map[string]any{}, map[string]string{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, ok := tok.(string)
		if !ok {
			return nil, fmt.Errorf("key is not a string")
		}
		if other, ok := seen[foldKey(key)]; ok {
			return nil, fmt.Errorf("key %q and key %q are the same (case ignored)", other, key)
		}
		seen[foldKey(key)] = key
		if obj[key], err = parseValue(d, depth+1, values); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return obj, err
}

func parseArray(d *json.Decoder, depth int, values *int) (any, error) {
	var list []any
	for d.More() {
		v, err := parseValue(d, depth+1, values)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

// foldKey maps all spellings that Go's decoder takes for one key to one string.
func foldKey(key string) string {
	return strings.Map(func(r rune) rune {
		low := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			low = min(low, f)
		}
		return low
	}, key)
}

func checkInteger(s string) error {
	if strings.ContainsAny(s, ".eE") || s == "-0" {
		return fmt.Errorf("number %s is not an integer", s)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > MaxInteger || n < -MaxInteger {
		return fmt.Errorf("integer %s is not below 2^53", s)
	}
	return nil
}

// exactKeys compares the keys of a parsed document with the names that type t
// declares. Types that decode themselves are left alone.
func exactKeys(t reflect.Type, v any) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshalerType) || t.Kind() == reflect.Interface {
		return nil
	}
	switch v := v.(type) {
	case []any:
		if k := t.Kind(); k != reflect.Slice && k != reflect.Array {
			return nil
		}
		for _, e := range v {
			if err := exactKeys(t.Elem(), e); err != nil {
				return err
			}
		}
	case map[string]any:
		return exactObject(t, v)
	}
	return nil
}

var unmarshalerType = reflect.TypeFor[json.Unmarshaler]()

func exactObject(t reflect.Type, obj map[string]any) error {
	fields := map[string]reflect.Type{}
	if t.Kind() == reflect.Struct {
		collectFields(t, fields)
	}
	for key, v := range obj {
		elem, ok := fields[key]
		switch {
		case t.Kind() == reflect.Map:
			elem = t.Elem()
		case !ok:
			return fmt.Errorf("decode json: unknown key %q (keys are case-sensitive)", key)
		}
		if err := exactKeys(elem, v); err != nil {
			return err
		}
	}
	return nil
}

func collectFields(t reflect.Type, into map[string]reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		switch {
		case name == "-":
		case f.Anonymous && name == "" && ft.Kind() == reflect.Struct:
			collectFields(ft, into)
		case name != "":
			into[name] = f.Type
		case f.IsExported():
			into[f.Name] = f.Type
		}
	}
}
