package seal

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBagInfo(t *testing.T) {
	b := BagInfo{PackID: "p", RunID: "r", Sealed: time.Unix(1762000000, 123456789), Organization: "Bank: of X", PayloadOctets: 12, PayloadFiles: 3}
	data, err := b.Bytes()
	ok(t, err)
	want := "Source-Organization: Bank: of X\nExternal-Identifier: p\nInternal-Sender-Identifier: r\nBagging-Date: 2025-11-01\n" +
		"Payload-Oxum: 12.3\nBlackstart-Format: blackstart.pack/2\nBlackstart-Sealed: 2025-11-01T12:26:40.123456789Z\n"
	if string(data) != want {
		t.Errorf("got\n%swant\n%s", data, want)
	}
	back, err := ParseBagInfo(data)
	ok(t, err)
	if !back.Sealed.Equal(b.Sealed) || back.Organization != b.Organization || back.PayloadFiles != 3 {
		t.Errorf("%+v", back)
	}
	for _, change := range []func(*BagInfo){
		func(b *BagInfo) { b.PackID = "" }, func(b *BagInfo) { b.RunID = "" }, func(b *BagInfo) { b.Organization = "a\nb" },
		func(b *BagInfo) { b.Description = " x" }, func(b *BagInfo) { b.Software = "\xff" }, func(b *BagInfo) { b.Sealed = time.Time{} },
	} {
		bad := b
		change(&bad)
		if _, err := bad.Bytes(); err == nil {
			t.Errorf("%+v: want an error", bad)
		}
	}
	for at := range data {
		bad := bytes.Clone(data)
		bad[at] ^= 0x80
		if _, err := ParseBagInfo(bad); err == nil {
			t.Errorf("byte %d: accepted", at)
		}
	}
	for _, bad := range []string{"", want + "X: y\n", strings.TrimSuffix(want, "\n"), strings.Replace(want, "12.3", "12.03", 1), want + want} {
		if _, err := ParseBagInfo([]byte(bad)); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}

func TestParseManifestRefuses(t *testing.T) {
	sum := inputsSum
	for what, bad := range map[string]string{
		"one space": sum + " data/a\n", "upper case": strings.ToUpper(sum) + "  data/a\n", "no newline": sum + "  data/a",
		"unsorted": sum + "  data/b\n" + sum + "  data/a\n", "twice": sum + "  data/a\n" + sum + "  data/a\n",
		"short": sum[1:] + "  data/a\n", "binary mark": sum + " *data/a\n", "unsafe": sum + "  ../a\n", "blank line": "\n",
	} {
		if _, err := ParseManifest("m", []byte(bad)); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}

// TestSha256sumAgrees runs the auditor's first command on the bag.
func TestSha256sumAgrees(t *testing.T) {
	tool, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip("needs the sha256sum command on PATH")
	}
	p := newPack(t, nil)
	for _, m := range []string{ManifestFile, TagManifestFile} {
		cmd := exec.CommandContext(t.Context(), tool, "--strict", "-c", m)
		cmd.Dir = p.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", m, err, out)
		}
	}
	ok(t, os.WriteFile(filepath.Join(p.dir, "data/empty"), []byte("x"), 0o644))
	cmd := exec.CommandContext(t.Context(), tool, "--strict", "-c", ManifestFile)
	cmd.Dir = p.dir
	if cmd.Run() == nil {
		t.Error("sha256sum accepts a changed file: the test proves nothing")
	}
}
