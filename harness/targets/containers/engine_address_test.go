package containers

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// dockerHome makes a home with docker's files in it.
func dockerHome(t *testing.T, files map[string]string) string {
	t.Helper()
	home := t.TempDir()
	for name, content := range files {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

func contextFile(kind, name, file string) string {
	digest := sha256.Sum256([]byte(name))
	return filepath.Join(".docker/contexts", kind, hex.EncodeToString(digest[:]), file)
}

func TestTheEngineIsTheOneThatDockerUses(t *testing.T) {
	meta := contextFile("meta", "lab", "meta.json")
	at := func(host string) string { return `{"Name":"lab","Endpoints":{"docker":{"Host":"` + host + `"}}}` }
	current := map[string]string{".docker/config.json": `{"auths":{},"currentContext":"lab"}`, meta: at("unix:///lab.sock")}
	for name, c := range map[string]struct {
		files map[string]string
		env   map[string]string
		want  string
		err   string // in place of want
	}{
		"nobody":                  {want: ""},
		"host":                    {env: map[string]string{"DOCKER_HOST": "unix:///a"}, want: "unix:///a"},
		"host before context":     {files: current, env: map[string]string{"DOCKER_HOST": "unix:///a", "DOCKER_CONTEXT": "lab"}, want: "unix:///a"},
		"context":                 {files: map[string]string{meta: at("unix:///lab.sock")}, env: map[string]string{"DOCKER_CONTEXT": "lab"}, want: "unix:///lab.sock"},
		"current context":         {files: current, want: "unix:///lab.sock"},
		"default over current":    {files: current, env: map[string]string{"DOCKER_CONTEXT": "default"}, want: ""},
		"context that is missing": {env: map[string]string{"DOCKER_CONTEXT": "lab"}, err: `DOCKER_CONTEXT ("lab")`},
		"current that is missing": {files: map[string]string{".docker/config.json": `{"currentContext":"gone"}`}, err: `config.json ("gone")`},
		"configuration torn":      {files: map[string]string{".docker/config.json": `{"curr`}, err: "config.json"},
		"context torn":            {files: map[string]string{meta: "{"}, env: map[string]string{"DOCKER_CONTEXT": "lab"}, err: `("lab")`},
		"context without host":    {files: map[string]string{meta: "{}"}, env: map[string]string{"DOCKER_CONTEXT": "lab"}, err: "no docker endpoint"},
		"context over ssh":        {files: map[string]string{meta: at("ssh://lab")}, env: map[string]string{"DOCKER_CONTEXT": "lab"}, err: "ssh://lab"},
		"host over ssh":           {env: map[string]string{"DOCKER_HOST": "ssh://lab"}, err: "ssh://lab"},
		"context with TLS": {files: map[string]string{meta: at("tcp://lab:2376"), contextFile("tls", "lab", "docker/ca.pem"): "x"},
			env: map[string]string{"DOCKER_CONTEXT": "lab"}, err: "DOCKER_CERT_PATH"},
		"property":            {files: map[string]string{propertiesFile: "# x\ndocker.host = unix:///other.sock\n"}, err: "docker.host in ~/.testcontainers.properties names unix:///other.sock"},
		"property, escaped":   {files: map[string]string{propertiesFile: `tc.host=tcp\://1.2.3.4\:5`}, err: "tcp://1.2.3.4:5"},
		"property that is it": {files: map[string]string{propertiesFile: "docker.host=unix:///a"}, env: map[string]string{"DOCKER_HOST": "unix:///a"}, want: "unix:///a"},
		"other property":      {files: map[string]string{propertiesFile: "ryuk.disabled=true\n"}, want: ""},
		"own configuration": {files: map[string]string{"else/config.json": `{"currentContext":"gone"}`},
			env: map[string]string{"DOCKER_CONFIG": "HOME/else"}, err: `("gone")`},
	} {
		t.Run(name, func(t *testing.T) {
			home := dockerHome(t, c.files)
			got, err := findEngine(func(v string) string { return strings.Replace(c.env[v], "HOME", home, 1) }, home)
			switch {
			case c.err == "" && (err != nil || got.host != c.want):
				t.Errorf("%+v, %v; want %q", got, err, c.want)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("%+v, %v; want an error with %q", got, err, c.err)
			}
		})
	}
}

func TestNoProxyTowardsTheEngine(t *testing.T) {
	for _, c := range [][3]string{
		{"unix:///a", "x", ""}, {"tcp://10.0.0.1:2375", "", "10.0.0.1"}, {"tcp://lab:2375", "x,y", "x,y,lab"}, {"tcp://[fd00::1]:1", "", "fd00::1"},
	} {
		if got := noProxies(c[0], c[1]); got != c[2] {
			t.Errorf("%q after %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
