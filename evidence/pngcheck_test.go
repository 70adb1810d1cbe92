package evidence

import (
	"bytes"
	"image"
	"image/png"
	"testing"
)

func TestAChartIsAPlainPNG(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	if err := plainPNG(good); err != nil {
		t.Fatal(err)
	}
	end := good[len(good)-12:]
	for name, bad := range map[string][]byte{
		"empty":           nil,
		"a page":          []byte("<html></html>"),
		"trailing bytes":  append(bytes.Clone(good), 0),
		"two ends":        append(bytes.Clone(good), end...),
		"cut off":         good[:len(good)-1],
		"no end":          good[:len(good)-12],
		"no picture":      append(bytes.Clone(good[:33]), end...),
		"a changed byte":  append(append(bytes.Clone(good[:40]), good[40]^1), good[41:]...),
		"another chunk":   append(append(bytes.Clone(good[:33]), 0, 0, 0, 0, 't', 'E', 'X', 't', 0xbf, 0x7d, 0xc9, 0x3e), good[33:]...),
		"a length beyond": append(bytes.Clone(good[:8]), 0xff, 0xff, 0xff, 0xff, 'I', 'H', 'D', 'R', 0, 0, 0, 0),
	} {
		if plainPNG(bad) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
