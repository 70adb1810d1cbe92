package controller

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"blackstart/cmd/finrag/internal/pgtest"
)

// ask posts a request for a failover with a token and returns the status.
func ask(t *testing.T, listen, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+listen+"/failover", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func TestAnOperatorMayAskForTheFailoverThatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t)
	c.Failover.Enabled, c.Failover.Manual = false, true
	c.Failover.TokenFile = write(t, filepath.Join(r.dir, "operator.token"), "an operator's token\n")
	r.startController(t, c)
	awaitReadiness(t, c)
	for _, wrong := range []string{"", "another token"} {
		if status := ask(t, c.Listen, wrong); status != http.StatusForbidden {
			t.Errorf("token %q: status %d, want 403", wrong, status)
		}
	}
	r.primary.Stop()
	awaitEvent(t, c.Audit, eventDetected)
	if names, _ := events(t, c.Audit); slices.Contains(names, eventDeclared) {
		t.Fatal("a controller that is switched off declared a failover by itself")
	}
	if status := ask(t, c.Listen, "an operator's token"); status != http.StatusAccepted {
		t.Fatalf("status %d, want 202", status)
	}
	awaitEvent(t, c.Audit, eventDone)
	pgtest.Eventually(t, "the standby is promoted", func() bool { return r.standby.Ask(t, "select pg_is_in_recovery()") == "false" })
}
