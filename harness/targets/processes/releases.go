package processes

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"blackstart/harness/targets/finrag"
)

// release is where a build of a region's API lies.
func (r *rehearsal) release(region, build string) string {
	return filepath.Join(r.Layout.Releases(region), build, "finrag")
}

// layReleases gives each region a copy of its own of every build.
func (r *rehearsal) layReleases() error {
	for _, region := range finrag.Regions() {
		for _, p := range r.Programs {
			if err := copyProgram(p.Path, r.release(region, p.Name)); err != nil {
				return fmt.Errorf("lay out the build %s of %s: %w", p.Name, region, err)
			}
		}
	}
	return nil
}

func copyProgram(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
