package pgtest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// The two builds that Releases makes.
const (
	BuildCurrent  = "7"
	BuildPrevious = "7-previous"
)

// Releases builds finrag twice, as dir/current/finrag and, with the older ranking rule, as dir/previous/finrag.
func Releases(t testing.TB, dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program twice")
	}
	for name, flags := range map[string]string{
		"current":  "-X main.build=" + BuildCurrent,
		"previous": "-X main.build=" + BuildPrevious + " -X blackstart/cmd/finrag/internal/vector.Rule=1",
	} {
		out, err := exec.Command("go", "build", "-ldflags", flags, "-o", filepath.Join(dir, name, "finrag"), "blackstart/cmd/finrag").CombinedOutput()
		if err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
	}
}
