package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 256 << 10

// fromZero: the parser counts lines from 0 and says so, unless the error is its scanner's: these messages are the parser's own.
var fromZero = regexp.MustCompile(`^did not find expected (<|key|node content|'-'|',')`)

// hiddenBreaks end a line for YAML: lone carriage return, next line, line separator, paragraph separator.
const hiddenBreaks = "\r\u0085\u2028\u2029"

var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// Parse reads one file as exactly one YAML document whose top is a mapping. It gives nil if there is none to go on with.
func (f *Format) Parse(file string, data []byte, out *Collector) *Node {
	if !f.legible(file, data, out) {
		return nil
	}
	docs := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := next(docs, &doc); {
	case errors.Is(err, io.EOF):
		out.Add(Pos{file, 1, 1}, f.Empty, "the file is empty")
		return nil
	case err != nil:
		syntaxError(file, err, out)
		return nil
	}
	var second yaml.Node
	switch err := next(docs, &second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		syntaxError(file, err, out)
	default:
		out.Add(Pos{file, second.Line, second.Column}, "write each "+f.Noun+" into a file of its own", "a second YAML document begins here")
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		at := Pos{file, doc.Line, doc.Column}
		if len(doc.Content) == 1 {
			at.Line, at.Col = doc.Content[0].Line, doc.Content[0].Column
		}
		out.Add(at, f.Begin, "a %s is a mapping of keys, and this is not one", f.Noun)
		return nil
	}
	top := converter{file, out}.node(doc.Content[0], 1)
	if f.Other != nil {
		if is, hint := f.Other(top); is != "" {
			out.Add(top.Pos, hint, "this is %s", is)
			return nil
		}
	}
	return top
}

// legible checks what must hold before YAML is parsed at all.
func (f *Format) legible(file string, data []byte, out *Collector) bool {
	if len(data) > MaxSize {
		out.Add(Pos{file, 1, 1}, "write a shorter one", "the file has %d bytes, more than the %d a %s may have", len(data), MaxSize, f.Noun)
		return false
	}
	fine := true
	for i, line := range bytes.Split(data, []byte("\n")) {
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			out.Add(Pos{file, i + 1, 1}, "save the file as UTF-8", "this line is not text in UTF-8")
			fine = false
		}
		if bytes.ContainsAny(bytes.TrimSuffix(line, []byte("\r")), hiddenBreaks) {
			out.Add(Pos{file, i + 1, 1}, "end lines with a line feed only", "this line holds a character that ends a line for YAML and not for people")
			fine = false
		}
		fine = checkVisible(Pos{File: file, Line: i + 1}, line, out) && fine
		indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 && len(bytes.TrimSpace(line)) > 0 {
			out.Add(Pos{file, i + 1, tab + 1}, "indent with spaces", "a tab indents this line")
			fine = false
		}
	}
	return fine
}

// next reads one document. The parser's own panics on foreign bytes become errors.
func next(docs *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return docs.Decode(into)
}

// syntaxError reports a syntax error of the YAML parser at its line.
func syntaxError(file string, err error, out *Collector) {
	line, text := 0, err.Error()
	if m := syntaxLine.FindStringSubmatch(strings.SplitN(text, "\n", 2)[0]); m != nil {
		text = m[2]
		if n, e := strconv.Atoi(m[1]); e == nil {
			line = n
		}
	}
	if fromZero.MatchString(text) && line > 0 {
		line++
	}
	out.Add(Pos{file, line, 1}, "check the indentation, the colons and the quotes around here", "%s", "this is not YAML, "+text)
}
