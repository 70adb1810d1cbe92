package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
)

// printJSON writes what the first screen tells, and every check.
func (t verifyResult) printJSON(out io.Writer) error { return printJSON(out, t) }

// printJSON writes v, in which nothing stands that a terminal would obey.
func printJSON(out io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := out.Write(escapeInvisible(b.Bytes()))
	return err
}

// escapeInvisible writes what a terminal would obey, or a reader not see, as JSON's own escapes. The encoder leaves some as
// they are: DEL, the C1 controls, marks that turn the direction of text.
func escapeInvisible(data []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(data) {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
