package pades

import (
	"bytes"
	"errors"
	"fmt"
)

// checkRevisions demands that what each signature covers is a complete file, that the file was signed in exactly the
// revisions that the signatures cover, and that those after the first do no more than fill an empty field.
func checkRevisions(pdf []byte, signed []placed) error {
	whole, err := readFile(pdf)
	if err != nil {
		return err
	}
	for i, s := range signed {
		f, err := readFile(pdf[:s.Covers])
		if err != nil {
			return fmt.Errorf("read the revision that %q covers: %w", s.Field, err)
		}
		newest := f.sections[0]
		// Sections are listed newest first: this one must stand as many steps down as there are later signatures.
		down := len(signed) - 1 - i
		if down >= len(whole.sections) || whole.sections[down].at != newest.at {
			return fmt.Errorf("a revision after %q is not covered by a signature of its own", s.Field)
		}
		if at, ok := newest.entries[s.dict.num]; !ok || at < 0 {
			return fmt.Errorf("signature %q does not stand in the revision that it covers", s.Field)
		}
		if i == 0 {
			continue
		}
		before, err := readFile(pdf[:signed[i-1].Covers])
		if err != nil {
			return err
		}
		if err := onlyFills(before, f, s); err != nil {
			return fmt.Errorf("compare the revision of %q with the one before: %w", s.Field, err)
		}
	}
	return nil
}

// onlyFills demands that the newest revision of f changes one existing object, the empty field that is now signed, and
// that in it only the value and the appearance differ.
func onlyFills(before, f *file, s placed) error {
	if f.root != before.root {
		return errors.New("it has another catalog")
	}
	for num := range f.sections[0].entries {
		if num < before.size && num != s.field.num {
			return fmt.Errorf("object %d was changed after the first signature", num)
		}
	}
	was, err := before.loadDict(s.field)
	if err != nil {
		return err
	}
	is, err := f.loadDict(s.field)
	if err != nil {
		return err
	}
	if was.get("V") != nil {
		return errors.New("the field was not empty")
	}
	if !bytes.Equal(appendObject(nil, was.without("V", "AP")), appendObject(nil, is.without("V", "AP"))) {
		return errors.New("the field was changed beyond being signed")
	}
	return nil
}
