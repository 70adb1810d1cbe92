package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"blackstart/harness"
)

//go:embed finrag/*.yaml
var library embed.FS

// Start is a commented scenario to begin with, for the target of a file that target.Start is.
//
//go:embed start.yaml
var Start []byte

// libraryFolder is where the library lies in the source tree; paths may be written with it.
const libraryFolder = "scenarios/"

// endsWith is how the first comment of every scenario of the library says its exit code.
const endsWith = "Ends with exit code "

// Entry is one scenario of the library.
type Entry struct {
	Path     string            // as Load takes it: scenarios/finrag/null.yaml
	Scenario *harness.Scenario // with the file's own numbers
	Why      string            // what its first comment says: what it shows and with which exit code it ends
	Exit     int               // that exit code
}

// Library lists the scenarios that ship with the tool, in order of path. They are checked by the tests: one that cannot be
// read is a defect of the build, and panics.
func Library() []Entry {
	var all []Entry
	names, err := fs.Glob(library, "*/*.yaml")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		data, err := library.ReadFile(name)
		if err != nil {
			panic(err)
		}
		s, _, err := Parse(libraryFolder+name, data, func(n string) ([]byte, error) {
			return library.ReadFile(path.Join(path.Dir(name), n))
		}, "")
		if err != nil {
			panic(fmt.Sprintf("read the library: %v", err))
		}
		e := Entry{Path: libraryFolder + name, Scenario: s, Why: firstComment(string(data))}
		if _, err := fmt.Sscanf(e.Why[max(strings.Index(e.Why, endsWith), 0):], endsWith+"%d", &e.Exit); err != nil {
			panic(fmt.Sprintf("read the library: %s does not say how it ends: %v", name, err))
		}
		all = append(all, e)
	}
	return all
}

// libraryPath gives the path inside the library of a name as people write it.
func libraryPath(name string) (string, bool) {
	inside := strings.TrimPrefix(path.Clean(strings.TrimPrefix(name, "./")), libraryFolder)
	_, err := fs.Stat(library, inside)
	return inside, err == nil
}

// firstComment joins the first lines of comment of a file, editor settings aside.
func firstComment(text string) string {
	var lines []string
	for _, l := range strings.Split(text, "\n") {
		if !strings.HasPrefix(l, "#") {
			break
		}
		if l = strings.TrimSpace(strings.TrimPrefix(l, "#")); l != "" && !strings.HasPrefix(l, "yaml-language-server:") {
			lines = append(lines, l)
		}
	}
	return strings.Join(lines, " ")
}
