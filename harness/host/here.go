package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strings"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Transports.Add(registry.Kind[Transport]{
	Name: "here",
	Doc: "The machine that this runs on, as the account that runs it: for what is on it, such as the containers of its engine. The identity is a digest of " +
		"/etc/machine-id, which lasts as long as its installation.",
	Example: "{name: docker-host, region: east, address: 127.0.0.1, by: here}",
	New:     func() Transport { return &hereTransport{machineID: machineIDs} },
})

// machineIDs are the files that may hold the ID of a machine.
var machineIDs = []string{"/etc/machine-id", "/var/lib/dbus/machine-id"}

type hereTransport struct {
	with      hereWith
	machineID []string
}

type hereWith struct {
	Netns string `yaml:"netns" doc:"a network namespace of this machine, as ip netns lists it, in which programs are run; as root"`
}

// Wrong implements target.Judge.
func (w hereWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	return wrongWords(map[string]string{"netns": w.Netns}, "")
}

// With implements registry.Parametrised.
func (h *hereTransport) With() any { return &h.with }

// IdentityForm is that of a digest.
func (*hereTransport) IdentityForm() *regexp.Regexp { return digestForm }

var (
	digestForm    = regexp.MustCompile(`^machine-[0-9a-f]{32}$`)
	machineIDForm = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// Shell implements Transport.
func (h *hereTransport) Shell(_ target.Host, script string) []string {
	if h.with.Netns != "" {
		return []string{"ip", "netns", "exec", h.with.Netns, "/bin/sh", "-c", script}
	}
	return []string{"/bin/sh", "-c", script}
}

// Identity reads it. The ID itself is not for others, as machine-id(5) says.
func (h *hereTransport) Identity(context.Context, target.Host) (string, error) {
	for _, path := range h.machineID {
		text, err := os.ReadFile(path)
		if id := strings.TrimSpace(string(text)); err == nil && machineIDForm.MatchString(id) {
			digest := sha256.Sum256([]byte("blackstart " + id))
			return "machine-" + hex.EncodeToString(digest[:16]), nil
		}
	}
	return "", component.Refuse("this machine has no ID: run systemd-machine-id-setup, or dbus-uuidgen --ensure=%s", h.machineID[0])
}

// Explain implements Transport.
func (*hereTransport) Explain(complaint string) (why string, refused bool) {
	return explain(complaint, []meaning{
		{"Cannot open network namespace", "there is no such network namespace", true},
		{"Operation not permitted", "only root may run programs in a network namespace", true},
	})
}

// Needs implements Transport.
func (*hereTransport) Needs(h target.Host) string {
	return fmt.Sprintf("%s is the machine that blackstart runs on: its account; /bin/sh and timeout there", h.Name)
}
