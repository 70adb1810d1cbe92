package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// alertmanager is a real one, of the firm's.
type alertmanager struct {
	t   *testing.T
	url string
}

func newAlertmanager(t *testing.T) alertmanager {
	t.Helper()
	program, err := exec.LookPath("prometheus-alertmanager")
	if err != nil {
		if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
			t.Fatalf("%s must not be skipped here: %v", t.Name(), err)
		}
		t.Skipf("%s needs Alertmanager: %v", t.Name(), err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	must(t, os.WriteFile(config, []byte("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"), 0o600))
	a := alertmanager{t, "http://" + net.JoinHostPort(deskHost, strconv.Itoa(freePort(t)))}
	cmd := exec.Command(program, "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+a.url[len("http://"):], "--cluster.listen-address=")
	var said bytes.Buffer
	cmd.Stderr = &said
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if err := within(20*time.Second, func() error {
		res, err := http.Get(a.url + "/api/v2/alerts")
		if err != nil {
			return err
		}
		return res.Body.Close()
	}); err != nil {
		_, _ = cmd.Process.Kill(), cmd.Wait()
		t.Fatalf("Alertmanager does not answer: %v\n%s", err, &said)
	}
	return a
}

// fire has an alert fire.
func (a alertmanager) fire(labels map[string]string) error {
	body, err := json.Marshal([]map[string]any{{"labels": labels, "annotations": map[string]string{"summary": "orders are refused"}}})
	if err != nil {
		return err
	}
	res, err := http.Post(a.url+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("alertmanager answers %s, %w", res.Status, err)
	}
	return nil
}
