package seal

import (
	"fmt"
	"strings"
)

// Refusal says that a file is not what it has to be. It is about the evidence,
// not about the machine: an I/O failure is never a Refusal.
type Refusal struct {
	File   string // name inside the pack; empty: the pack as a whole
	Reason string
}

func (r *Refusal) Error() string {
	if r.File == "" {
		return "refuse pack: " + r.Reason
	}
	return "refuse " + r.File + ": " + r.Reason
}

func refuse(file, format string, args ...any) error {
	return &Refusal{File: file, Reason: fmt.Sprintf(format, args...)}
}

// CheckName returns a Refusal unless name is a relative slash-separated path
// of [A-Za-z0-9._/-], of at most MaxNameBytes, that stays below its base on
// every system.
func CheckName(name string) error {
	if name == "" || len(name) > MaxNameBytes {
		return refuse(name, "name must have 1 to %d bytes", MaxNameBytes)
	}
	for _, c := range []byte(name) {
		if !nameByte(c) {
			return refuse(fmt.Sprintf("%q", name), "name may hold only [A-Za-z0-9._/-]")
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return refuse(name, "name must not be absolute or hold an empty, '.' or '..' part")
		}
		if strings.HasSuffix(part, ".") || part[0] == '-' {
			return refuse(name, "no part of a name may end in '.' or begin with '-'")
		}
	}
	return nil
}

// maxPathBytes is the longest name in a zip: base directory, slash, name.
const maxPathBytes = MaxBaseBytes + 1 + MaxNameBytes

// checkPath is CheckName for the base directory and the name behind it.
func checkPath(path string) error {
	base, name, ok := strings.Cut(path, "/")
	if ok && (base == "" || name == "") {
		return refuse(path, "name must not be absolute or hold an empty, '.' or '..' part")
	}
	if len(base) > MaxBaseBytes {
		return refuse(path, "its base directory has a name of more than %d bytes", MaxBaseBytes)
	}
	if err := CheckName(base); err != nil || !ok {
		return err
	}
	return CheckName(name)
}

func nameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '.' || c == '_' || c == '/' || c == '-'
}

// checkNames checks every name, and that no two are equal when case is
// ignored and none is a directory of another.
func checkNames(names []string) error {
	if len(names) > MaxEntries {
		return refuse("", "more than %d files", MaxEntries)
	}
	seen := make(map[string]string, len(names))
	files := 0
	for _, n := range names {
		if !strings.HasPrefix(n, CheckpointDir) {
			files++
		}
		if files > MaxFiles {
			return refuse("", "more than %d files besides checkpoints", MaxFiles)
		}
		if err := CheckName(n); err != nil {
			return err
		}
		low := strings.ToLower(n)
		if other, ok := seen[low]; ok {
			return refuse(n, "same name as %s (case ignored)", other)
		}
		seen[low] = n
	}
	for _, n := range names {
		for i, c := range n {
			if c != '/' {
				continue
			}
			if other, ok := seen[strings.ToLower(n[:i])]; ok {
				return refuse(n, "its directory is also the file %s", other)
			}
		}
	}
	return nil
}
