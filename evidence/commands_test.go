package evidence

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"blackstart/evidence/reports"
)

// auditTools are the programs that the printed commands need; .ci/run installs them.
var auditTools = []string{"dash", "sha256sum", "openssl", "certutil", "pdfsig", "qpdf", "pdftotext"}

func needAuditTools(t *testing.T) {
	t.Helper()
	for _, tool := range auditTools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
}

// unpacked gives the directory of an unpacked pack, with its root beside it.
func (h *honest) unpacked(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	z, err := zip.OpenReader(h.reseal(t))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err == nil {
			err = writeFile(out, f.Name, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(out, "pack.root.pem"), h.key.RootPEM, 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(out, "pack")
}

// fromInstructions reads the commands out of VERIFY.md as a person does: the indented lines of the first part.
func fromInstructions(t *testing.T, dir string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "data", "VERIFY.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(data), "## With tools that are not ours")
	part, _, _ = strings.Cut(part, "\n## ")
	var lines []string
	for line := range strings.Lines(part) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, strings.TrimRight(command, "\n"))
		}
	}
	return commandsOf(lines)
}

// fromReport reads the commands out of the text of a report.
func fromReport(t *testing.T, dir, path string) []string {
	t.Helper()
	out, err := exec.Command("pdftotext", "-layout", filepath.Join(dir, filepath.FromSlash(path)), "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(out), reports.CommandsBegin)
	part, _, end := strings.Cut(part, reports.CommandsEnd)
	if !ok || !end {
		t.Fatalf("%s prints no commands", path)
	}
	var lines []string
	for line := range strings.Lines(part) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return commandsOf(lines)
}

// commandsOf joins the lines that a backslash continues.
func commandsOf(lines []string) []string {
	var all []string
	open := false
	for _, l := range lines {
		if open {
			all[len(all)-1] += "\n" + l
		} else {
			all = append(all, l)
		}
		open = strings.HasSuffix(l, "\\")
	}
	return all
}

// runAll runs commands in order in one shell, started through another program where one is named, and returns the first that does not end with 0; "" if all do.
func runAll(t *testing.T, dir string, commands []string, through ...string) (failed, output string) {
	t.Helper()
	var script strings.Builder
	for i, c := range commands {
		script.WriteString(c + "\n[ $? = 0 ] || exit " + strconv.Itoa(10+i) + "\n")
	}
	shell := append(through, "dash")
	cmd := exec.Command(shell[0], shell[1:]...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(script.String())
	out, err := cmd.CombinedOutput()
	if err == nil {
		return "", string(out)
	}
	n := cmd.ProcessState.ExitCode() - 10
	if n < 0 || n >= len(commands) {
		t.Fatalf("the shell failed: %v\n%s", err, out)
	}
	return commands[n], string(out)
}

// TestPrintedCommandsRunAsPrinted runs what VERIFY.md and each report print, in order, in dash, in the directory of a pack.
func TestPrintedCommandsRunAsPrinted(t *testing.T) {
	needAuditTools(t)
	h := makeHonest(t)
	want := AuditCommands(h.rec, ReportSpecs())
	sources := map[string]func(dir string) []string{"VERIFY.md": func(dir string) []string { return fromInstructions(t, dir) }}
	for _, r := range ReportSpecs() {
		sources[r.Path] = func(dir string) []string { return fromReport(t, dir, r.Path) }
	}
	for name, read := range sources {
		dir := h.unpacked(t)
		commands := read(dir)
		if strings.Join(commands, "\n;\n") != strings.Join(want, "\n;\n") {
			t.Errorf("%s prints other commands:\n%s", name, strings.Join(commands, "\n"))
			continue
		}
		failed, out := runAll(t, dir, commands)
		if failed != "" {
			t.Errorf("%s: this command fails: %s\n%s", name, failed, out)
		}
		if got := strings.Count(out, "Total document signed"); got != len(ReportSpecs()) {
			t.Errorf("%s: pdfsig says %d times that the whole document is signed:\n%s", name, got, out)
		}
		if n := strings.Count(out, "Certificate is Trusted"); n != len(ReportSpecs()) {
			t.Errorf("%s: pdfsig trusts %d signers:\n%s", name, n, out)
		}
	}
}

// TestPrintedCommandsRunYearsLater: by then the throw-away certificate has run out, and nothing else has changed.
func TestPrintedCommandsRunYearsLater(t *testing.T) {
	needAuditTools(t)
	if _, err := exec.LookPath("faketime"); err != nil {
		t.Skip("faketime is not installed")
	}
	h := makeHonest(t)
	dir := h.unpacked(t)
	commands := fromInstructions(t, dir)
	if failed, out := runAll(t, dir, commands, "faketime", "2040-01-01 12:00:00"); failed != "" || strings.Count(out, "Signature is Valid") != len(ReportSpecs()) {
		t.Errorf("this command fails years later: %s\n%s", failed, out)
	}
	strict := strings.ReplaceAll(commands[3], " -no_check_time", "")
	if failed, _ := runAll(t, dir, []string{commands[0], strict}, "faketime", "2040-01-01 12:00:00"); failed != strict {
		t.Error("without -no_check_time the certificate has not run out: the explanation in VERIFY.md is wrong")
	}
}

// TestPrintedCommandsFindWhatIsAltered: a command that cannot fail shows nothing.
func TestPrintedCommandsFindWhatIsAltered(t *testing.T) {
	needAuditTools(t)
	h := makeHonest(t)
	for name, c := range map[string]struct {
		alter func(dir string) error
		found string // begin of the command that fails
	}{
		"a changed file": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "data", "findings.json"), []byte("{}\n"), 0o644)
		}, "sha256sum"},
		"a file more":        {func(dir string) error { return os.WriteFile(filepath.Join(dir, "data", "more"), nil, 0o644) }, "! {"},
		"a file beside data": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "READ-ME-FIRST.txt"), nil, 0o644) }, "! {"},
		"a link":             {func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "data", "link")) }, "! {"},
		"another bag info": {func(dir string) error {
			return edit(dir, "bag-info.txt", func(b []byte) []byte { return append(b, "Note: all is well\n"...) })
		}, "sha256sum --strict --quiet -c tagmanifest"},
		"a file less": {func(dir string) error {
			return edit(dir, "manifest-sha256.txt", func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] })
		}, "! {"},
		"another signature": {func(dir string) error {
			return edit(dir, "signatures/manifest.p7s", func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
		}, "openssl"},
		"a root that was renamed": {func(dir string) error { return os.Rename(dir+".root.pem", dir+"-mine.root.pem") }, "ROOT="},
		"another root": {func(dir string) error {
			other := buildHonest(t, t.TempDir())
			return os.WriteFile(dir+".root.pem", other.key.RootPEM, 0o644)
		}, "openssl"},
	} {
		dir := h.unpacked(t)
		if err := c.alter(dir); err != nil {
			t.Fatal(err)
		}
		if failed, out := runAll(t, dir, fromInstructions(t, dir)); !strings.HasPrefix(failed, c.found) || failed == "" {
			t.Errorf("%s: the command that fails is %q\n%s", name, failed, out)
		}
	}
}

func edit(dir, name string, change func([]byte) []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(data), 0o644)
}
