package jsonpointer

import "testing"

func TestText(t *testing.T) {
	v, err := Decode([]byte(`{"a": [{"b/c": "x", "~": 1.50}, null], "t": true}`))
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[Pointer]string{"/a/0/b~1c": "x", "/a/0/~0": "1.50", "/a/1": "null", "/t": "true"} {
		if got, err := p.Text(v); err != nil || got != want {
			t.Errorf("%s: %q, %v", p, got, err)
		}
	}
	for _, p := range []Pointer{"", "/a", "/a/2", "/a/-1", "/a/x", "/a/0", "/t/x", "/nothing"} {
		if got, err := p.Text(v); err == nil {
			t.Errorf("%s: %q", p, got)
		}
	}
	for _, bad := range []string{"", "{", "1 2", "{} x"} {
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestUnmarshalText(t *testing.T) {
	var p Pointer
	for _, bad := range []string{"", "status", "/~2"} {
		if p.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is a pointer", bad)
		}
	}
	if err := p.UnmarshalText([]byte("/a/0")); err != nil || p != "/a/0" {
		t.Errorf("%q, %v", p, err)
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}]}`), "/a/1/b")
	f.Fuzz(func(t *testing.T, data []byte, pointer string) {
		v, err := Decode(data)
		if err != nil {
			return
		}
		if text, err := Pointer(pointer).Text(v); err != nil && text != "" {
			t.Errorf("%q with %v", text, err)
		}
	})
}
