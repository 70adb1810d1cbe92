package host

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/harness/targets/procs"
	"blackstart/internal/registry"
)

var _ = Transports.Add(registry.Kind[Transport]{
	Name: "docker",
	Doc: "Into a container, by the docker program and the context of the account that runs this; DOCKER_HOST is not read. The identity is the ID of the " +
		"engine, as docker info tells it.",
	Example: "{name: east-db, region: east, address: 172.30.0.5, by: docker, with: {container: orders-db-1}}",
	New:     func() Transport { return &dockerTransport{} },
})

type dockerTransport struct{ with dockerWith }

type dockerWith struct {
	Container string `yaml:"container" need:"yes" doc:"name or ID of the container"`
	Context   string `yaml:"context" doc:"docker context; the one in use if not written"`
	User      string `yaml:"user" doc:"account in the container; that of its image if not written"`
	Program   string `yaml:"program" doc:"path of the program; docker if not written"`
}

// Wrong implements target.Judge.
func (w dockerWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	return wrongWords(map[string]string{"container": w.Container, "context": w.Context, "user": w.User}, w.Program)
}

var wordForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:/@-]{0,252}$`)

// wrongWords finds a word that a program could take for an option, and a path that is not whole.
func wrongWords(words map[string]string, program string) (key, wrong, hint string) {
	for key, w := range words {
		if w != "" && !wordForm.MatchString(w) {
			return key, "is no name", "write letters, digits and _.:/@-, beginning with a letter or a digit"
		}
	}
	return wrongPaths(map[string]string{"program": program})
}

// With implements registry.Parametrised.
func (d *dockerTransport) With() any { return &d.with }

func (*dockerTransport) IdentityForm() *regexp.Regexp { return engineForm }

var engineForm = regexp.MustCompile(`^[A-Za-z0-9:-]{8,80}$`)

func (d *dockerTransport) argv(words ...string) []string {
	argv := []string{"docker"}
	if d.with.Program != "" {
		argv[0] = d.with.Program
	}
	if d.with.Context != "" {
		argv = append(argv, "--context", d.with.Context)
	}
	return append(argv, words...)
}

// Shell implements Transport.
func (d *dockerTransport) Shell(_ target.Host, script string) []string {
	argv := d.argv("exec", "-i")
	if d.with.User != "" {
		argv = append(argv, "-u", d.with.User)
	}
	return append(argv, d.with.Container, "/bin/sh", "-c", script)
}

// Identity asks the engine.
func (d *dockerTransport) Identity(ctx context.Context, _ target.Host) (string, error) {
	return identified(ctx, d, d.argv("info", "--format", "{{.ID}}"))
}

// identified runs a program that says who a host is.
func identified(ctx context.Context, w Transport, argv []string) (string, error) {
	a, err := procs.Ask(ctx, procs.Question{Argv: argv, Most: mostKept})
	if err != nil {
		return "", err
	}
	got := strings.TrimSpace(string(a.Stdout))
	if a.Code == 0 && w.IdentityForm().MatchString(got) {
		return got, nil
	}
	switch why, refused := w.Explain(string(a.Stderr)); {
	case refused:
		return "", component.Refuse("%s", why)
	case why != "":
		return "", fmt.Errorf("%s", why)
	}
	return "", fmt.Errorf("%s did not tell who it is (exit code %d)", argv[0], a.Code)
}

// Explain implements Transport.
func (*dockerTransport) Explain(complaint string) (why string, refused bool) {
	return explain(complaint, []meaning{
		{"No such container", "there is no such container", true},
		{"is not running", "the container does not run", true},
		{"is paused", "the container is paused", true},
		{"permission denied while trying to connect", "the account may not speak to the engine", true},
		{"Cannot connect to the Docker daemon", "no engine answers", false},
		{"no such file or directory", "there is no /bin/sh in the container", true},
		{"executable file not found", "there is no /bin/sh in the container", true},
		{"unable to find user", "there is no such account in the container", true},
	})
}

// Needs implements Transport.
func (d *dockerTransport) Needs(target.Host) string {
	return fmt.Sprintf("by docker exec into %s: the engine, for the account that runs blackstart; /bin/sh and timeout in the container", d.with.Container)
}
