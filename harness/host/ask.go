package host

import (
	"context"
	"strings"

	"blackstart/harness/component"
)

// Permits looks for programs on the host, and runs a script that changes nothing and ends with 0 if the rest is permitted, too. What is missing
// is a refusal, in the last line that the script complains of: it is ours, and holds no secret.
func (h *Host) Permits(ctx context.Context, programs []string, try string) error {
	for _, p := range programs {
		if _, err := h.Find(ctx, p); err != nil {
			return err
		}
	}
	if try == "" {
		return nil
	}
	a, err := h.Run(ctx, Question{Argv: []string{"sh", "-c", "exec 2>&1\n" + try, "sh"}, Most: mostKept})
	switch {
	case err != nil:
		return err
	case a.Code != 0:
		return component.Refuse("needs more than the account may do there: %s", lastLine(a.Stdout))
	}
	return nil
}

// Word runs a script on the host that prints one word.
func (h *Host) Word(ctx context.Context, script string) (string, error) {
	a, err := h.Run(ctx, Question{Argv: []string{"sh", "-c", script, "sh"}, Most: mostKept})
	word := strings.TrimSpace(string(a.Stdout))
	switch {
	case err != nil:
		return "", err
	case a.Code != 0 || word == "" || strings.ContainsAny(word, " \t\n"):
		return "", component.Refuse("host %s does not say it in one word (exit code %d): run the script of the means there by hand", h.Name, a.Code)
	}
	return word, nil
}

// lastLine is the last line that says something.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return last
	}
	return "it does not say what"
}
