package finrag

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

func TestFindPrograms(t *testing.T) {
	dir := t.TempDir()
	write := func(name, says string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+says+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("finrag", `{"build":"2"}`)
	if missing := MissingBuild(path); !strings.Contains(missing, filepath.Join(dir, "finrag-previous")+" is missing") {
		t.Errorf("lacks %q", missing)
	}
	found, err := FindPrograms(context.Background(), path)
	if err != nil || len(found) != 1 || found[0].Name != harness.BuildCurrent || found[0].Version != "2" || len(found[0].SHA256) != 64 {
		t.Errorf("one build: %+v, %v", found, err)
	}
	write("finrag-previous", `{"build":"1"}`)
	found, err = FindPrograms(context.Background(), path)
	if err != nil || len(found) != 2 || found[1].Name != harness.BuildPrevious || found[1].Version != "1" || MissingBuild(path) != "" {
		t.Errorf("two builds: %+v, %v", found, err)
	}
	write("finrag-previous", "nonsense")
	if _, err := FindPrograms(context.Background(), path); err == nil {
		t.Error("a program that is not finrag was taken for a build of it")
	}
	if _, err := FindPrograms(context.Background(), filepath.Join(dir, "none")); err == nil || MissingBuild(filepath.Join(dir, "none")) == "" {
		t.Error("a program that is not there was found")
	}
	if slices.Contains(Can(false), harness.CodeDeploy) || !slices.Contains(Can(true), harness.CodeDeploy) {
		t.Error("it offers to deploy what is not there")
	}
}

// TestSlowStreamsAreNotBroken: the latency that a scenario asks for must not look like a link that was cut.
func TestSlowStreamsAreNotBroken(t *testing.T) {
	s := &Site{Settings: Settings{WALLatency: 3 * time.Second}}
	if lines := s.DatabaseSettings(West); !slices.Contains(lines, "wal_receiver_timeout = 14000ms") || !slices.Contains(lines, "wal_sender_timeout = 14000ms") {
		t.Errorf("%v", lines)
	}
	if lines := (&Site{}).DatabaseSettings(West); len(lines) != 0 {
		t.Errorf("%v", lines)
	}
}
