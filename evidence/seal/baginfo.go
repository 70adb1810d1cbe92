package seal

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// PackFormat is the format this package writes and the only one it reads.
const PackFormat = "blackstart.pack/2"

// bagIt is the whole of bagit.txt.
const bagIt = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// sealedLayout is RFC 3339 in UTC with nine decimals.
const sealedLayout = "2006-01-02T15:04:05.000000000Z"

// BagInfo is everything that bag-info.txt says. Texts are one line of UTF-8
// each, without control characters; those marked optional may be empty.
type BagInfo struct {
	PackID       string    // UUID of the pack
	RunID        string    // UUID of the drill
	Sealed       time.Time // when the caller began to seal; written in UTC
	Organization string    // optional: who ran the drill
	Description  string    // optional: one line about the drill
	Software     string    // optional: name and version of the tool
	// PayloadOctets and PayloadFiles are the size of data/ in bytes and in
	// files. Seal and Verify fill them from the payload itself.
	PayloadOctets int64
	PayloadFiles  int
}

type bagField struct {
	label, value string
	required     bool
}

func (b BagInfo) fields() []bagField {
	sealed := b.Sealed.UTC()
	return []bagField{
		{"Source-Organization", b.Organization, false},
		{"External-Description", b.Description, false},
		{"External-Identifier", b.PackID, true},
		{"Internal-Sender-Identifier", b.RunID, true},
		{"Bagging-Date", sealed.Format(time.DateOnly), true},
		{"Payload-Oxum", fmt.Sprintf("%d.%d", b.PayloadOctets, b.PayloadFiles), true},
		{"Bag-Software-Agent", b.Software, false},
		{"Blackstart-Format", PackFormat, true},
		{"Blackstart-Sealed", sealed.Format(sealedLayout), true},
	}
}

// Bytes returns bag-info.txt. The same BagInfo always gives the same bytes.
func (b BagInfo) Bytes() ([]byte, error) {
	var out strings.Builder
	for _, f := range b.fields() {
		if err := checkBagText(f); err != nil {
			return nil, err
		}
		if f.value != "" {
			out.WriteString(f.label + ": " + f.value + "\n")
		}
	}
	if y := b.Sealed.UTC().Year(); y < 1970 || y > 9999 {
		return nil, fmt.Errorf("write %s: sealed in year %d", BagInfoFile, y)
	}
	return []byte(out.String()), nil
}

func checkBagText(f bagField) error {
	bad := func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
	switch {
	case f.required && f.value == "":
		return fmt.Errorf("write %s: %s is empty", BagInfoFile, f.label)
	case !utf8.ValidString(f.value), strings.ContainsFunc(f.value, bad),
		f.value != strings.TrimSpace(f.value), len(f.value) > 1000:
		return fmt.Errorf("write %s: %s must be one trimmed line of UTF-8 up to 1000 bytes", BagInfoFile, f.label)
	}
	return nil
}

// ParseBagInfo reads exactly what Bytes writes; anything else is a Refusal.
func ParseBagInfo(data []byte) (BagInfo, error) {
	got := map[string]string{}
	for line := range strings.Lines(string(data)) {
		label, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			return BagInfo{}, refuse(BagInfoFile, "a line is not 'Label: value'")
		}
		got[label] = value
	}
	b := BagInfo{
		PackID: got["External-Identifier"], RunID: got["Internal-Sender-Identifier"],
		Organization: got["Source-Organization"], Description: got["External-Description"],
		Software: got["Bag-Software-Agent"],
	}
	var err error
	if b.Sealed, err = time.Parse(sealedLayout, got["Blackstart-Sealed"]); err != nil {
		return BagInfo{}, refuse(BagInfoFile, "Blackstart-Sealed is not RFC 3339 with nine decimals")
	}
	if _, err := fmt.Sscanf(got["Payload-Oxum"], "%d.%d", &b.PayloadOctets, &b.PayloadFiles); err != nil {
		return BagInfo{}, refuse(BagInfoFile, "Payload-Oxum is not octets.files")
	}
	again, err := b.Bytes()
	if err != nil || string(again) != string(data) {
		return BagInfo{}, refuse(BagInfoFile, "not the text that its own values give")
	}
	return b, nil
}
