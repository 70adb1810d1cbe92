package finrag

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"blackstart/harness/targets/procs"
)

// Names of the controller's audit log.
const (
	AuditFile = "audit.jsonl"                    // where the controller writes it
	AuditLog  = "outside.controller.audit.jsonl" // among the logs
)

// Logs copies every log to dir, NAME.log each, and the controller's audit log,
// without the secrets that may stand in them.
func (d *Driver) Logs(ctx context.Context, dir string) error {
	s, w := d.current()
	if s == nil {
		return nil // nothing was started, so there are none
	}
	if err := w.KeepLogs(ctx); err != nil {
		return fmt.Errorf("copy the logs: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("copy the logs: %w", err)
	}
	logs, err := procs.Files(filepath.Join(s.Dir, "logs"), "")
	if err != nil {
		return fmt.Errorf("copy the logs: %w", err)
	}
	var errs []error
	for _, path := range logs {
		errs = append(errs, copyLog(path, filepath.Join(dir, filepath.Base(path)), s.secretReplacer()))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("copy the logs: %w", err)
	}
	return nil
}

func copyLog(from, to string, hide *strings.Replacer) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	return errors.Join(redact(in, out, hide), out.Close())
}

// secretReplacer replaces every secret of the run.
func (s *Site) secretReplacer() *strings.Replacer {
	var pairs []string
	for _, secret := range s.Secrets {
		if secret != "" {
			pairs = append(pairs, secret, "[redacted]")
		}
	}
	return strings.NewReplacer(pairs...)
}

func redact(in io.Reader, out io.Writer, hide *strings.Replacer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLogLine)
	w := bufio.NewWriter(out)
	for lines.Scan() {
		if _, err := hide.WriteString(w, lines.Text()+"\n"); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), w.Flush())
}

// SecretsIn reads the secrets of a run that was killed from its state directory: all of them, or none. One that is not read is not
// taken out of anything.
func SecretsIn(runDir string) ([]string, error) {
	dir := filepath.Join(TargetDir(runDir), "secrets")
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // none had been drawn
	}
	if err != nil {
		return nil, fmt.Errorf("read the secrets of the run: %w", err)
	}
	var all []string
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the secrets of the run: %w", err)
		}
		all = append(all, strings.TrimSpace(string(data)))
	}
	return all, nil
}
