package postgres

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"blackstart/harness/targets/procs"
)

// SystemIdentifier reads the identifier that initdb gave the cluster, from its
// control file: it needs no running server. A primary and its standbys share it.
func (c *Cluster) SystemIdentifier() (string, error) {
	f, err := os.Open(filepath.Join(c.DataDir(), "global", "pg_control"))
	if err != nil {
		return "", fmt.Errorf("read the system identifier of cluster %s: %w", c.Name, err)
	}
	defer f.Close()
	var id uint64 // the first field of ControlFileData, in the machine's byte order
	if err := binary.Read(f, binary.NativeEndian, &id); err != nil {
		return "", fmt.Errorf("read the system identifier of cluster %s: %w", c.Name, err)
	}
	return strconv.FormatUint(id, 10), nil
}

// An LSN is a position in the WAL, in bytes.
type LSN uint64

// ParseLSN reads PostgreSQL's notation, for instance 0/3000148.
func ParseLSN(s string) (LSN, error) {
	hi, lo, ok := strings.Cut(s, "/")
	if !ok {
		return 0, fmt.Errorf("parse WAL position %q: no slash", s)
	}
	h, err := strconv.ParseUint(hi, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("parse WAL position %q: %w", s, err)
	}
	l, err := strconv.ParseUint(lo, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("parse WAL position %q: %w", s, err)
	}
	return LSN(h<<32 | l), nil
}

// String returns PostgreSQL's notation.
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }

// A Fork is where a timeline left its parent: the moment of a promotion.
type Fork struct {
	Timeline uint32 // the new one
	Parent   uint32 // the one it left
	At       LSN    // the last position they share
}

// ForkPoint reads the last fork in the history of a promoted cluster, from its
// pg_wal. A cluster that was never promoted has none: os.ErrNotExist.
func (c *Cluster) ForkPoint() (Fork, error) {
	files, err := procs.Files(filepath.Join(c.DataDir(), "pg_wal"), ".history")
	if err != nil || len(files) == 0 {
		return Fork{}, fmt.Errorf("read the timeline history of cluster %s: %w", c.Name, os.ErrNotExist)
	}
	newest := slices.Max(files) // eight hexadecimal digits sort as they count
	b, err := os.ReadFile(newest)
	if err != nil {
		return Fork{}, fmt.Errorf("read the timeline history of cluster %s: %w", c.Name, err)
	}
	fork, err := parseHistory(strings.TrimSuffix(filepath.Base(newest), ".history"), b)
	if err != nil {
		return Fork{}, fmt.Errorf("read the timeline history of cluster %s: %w", c.Name, err)
	}
	return fork, nil
}

// parseHistory reads lines of "parent timeline, switch point, reason"; the last
// one is the newest.
func parseHistory(timeline string, b []byte) (Fork, error) {
	tli, err := strconv.ParseUint(timeline, 16, 32)
	if err != nil {
		return Fork{}, fmt.Errorf("parse timeline %q: %w", timeline, err)
	}
	fork := Fork{Timeline: uint32(tli)}
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 2 {
			return Fork{}, fmt.Errorf("parse history line %q: fewer than two fields", line)
		}
		parent, err := strconv.ParseUint(fields[0], 10, 32)
		if err != nil {
			return Fork{}, fmt.Errorf("parse history line %q: %w", line, err)
		}
		if fork.At, err = ParseLSN(fields[1]); err != nil {
			return Fork{}, err
		}
		fork.Parent = uint32(parent)
	}
	if fork.Parent == 0 {
		return Fork{}, fmt.Errorf("parse history of timeline %s: no fork in it", timeline)
	}
	return fork, nil
}
