package containers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const (
	contextVariable = "DOCKER_CONTEXT"
	configVariable  = "DOCKER_CONFIG"
	defaultContext  = "default"
	usualEngine     = "unix:///var/run/docker.sock"
	propertiesFile  = ".testcontainers.properties"
)

// engineAddress is the engine that somebody has named, and how.
type engineAddress struct {
	host string // "" when nobody has: the usual one
	by   string // what names it, for people
}

// findEngine finds the engine that the user's own docker would use: DOCKER_HOST, else DOCKER_CONTEXT, else the current context
// of docker's configuration, else the usual socket. What cannot be followed is refused by its name, and so is a
// testcontainers property that names another engine: a drill must not break anything where nobody expects it.
func findEngine(env func(string) string, home string) (engineAddress, error) {
	n, err := dockerContext(env, home)
	if err != nil {
		return engineAddress{}, err
	}
	host := n.host
	if host == "" {
		host = usualEngine
	}
	if strings.HasPrefix(host, "ssh://") {
		return engineAddress{}, unusable(n.by, fmt.Errorf("it leads to %s, and the target's links must be on this machine", host))
	}
	for _, p := range properties(home) {
		if p.value != host {
			return engineAddress{}, &Error{Component: "engine",
				Err:  fmt.Errorf("%s in ~/%s names %s, and your docker uses %s", p.key, propertiesFile, p.value, host),
				Hint: "remove the property, or say which one is meant: export " + hostVariable + "=" + p.value}
		}
	}
	return n, nil
}

func dockerContext(env func(string) string, home string) (engineAddress, error) {
	if host := env(hostVariable); host != "" {
		return engineAddress{host, hostVariable}, nil
	}
	dir := env(configVariable)
	if dir == "" {
		dir = filepath.Join(home, ".docker")
	}
	name, by := env(contextVariable), contextVariable
	if name == "" {
		config := filepath.Join(dir, "config.json")
		current, err := currentContext(config)
		if err != nil {
			return engineAddress{}, unusable(config, err)
		}
		name, by = current, "currentContext in "+config
	}
	if name == "" || name == defaultContext {
		return engineAddress{}, nil
	}
	by = fmt.Sprintf("%s (%q)", by, name)
	host, err := hostOfContext(dir, name)
	if err != nil {
		return engineAddress{}, unusable(by, err)
	}
	return engineAddress{host, by}, nil
}

func unusable(by string, err error) error {
	return &Error{Component: "engine", Err: fmt.Errorf("the engine that %s names cannot be used: %w", by, err),
		Hint: "see `docker context ls`, or name the engine itself: export " + hostVariable + "=unix:///…; nothing was touched"}
}

func currentContext(path string) (string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var config struct {
		CurrentContext string `json:"currentContext"`
	}
	return config.CurrentContext, json.Unmarshal(data, &config)
}

// hostOfContext reads a context as docker keeps it: in a directory named by the digest of its name.
func hostOfContext(dir, name string) (string, error) {
	digest := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(digest[:])
	data, err := os.ReadFile(filepath.Join(dir, "contexts", "meta", id, "meta.json"))
	if err != nil {
		return "", fmt.Errorf("there is no such context: %w", err)
	}
	var meta struct {
		Endpoints map[string]struct {
			Host          string
			SkipTLSVerify bool
		}
	}
	if err := json.Unmarshal(data, &meta); err != nil {
		return "", fmt.Errorf("read it: %w", err)
	}
	docker := meta.Endpoints["docker"]
	if docker.Host == "" {
		return "", errors.New("it names no docker endpoint")
	}
	if _, err := os.Stat(filepath.Join(dir, "contexts", "tls", id)); err == nil || docker.SkipTLSVerify {
		return "", errors.New("it has TLS settings of its own: give them in DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH")
	}
	return docker.Host, nil
}

type property struct{ key, value string }

// properties are those of testcontainers that name an engine.
func properties(home string) []property {
	data, err := os.ReadFile(filepath.Join(home, propertiesFile))
	if err != nil {
		return nil // as testcontainers takes it
	}
	var found []property
	for _, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		at := strings.IndexAny(line, "=: \t")
		if at < 0 || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, value := line[:at], strings.TrimLeft(line[at:], "=: \t")
		if value = strings.ReplaceAll(value, `\:`, ":"); (key == "docker.host" || key == "tc.host") && value != "" {
			found = append(found, property{key, value})
		}
	}
	return found
}

// noProxies is what takes an engine that is reached over TCP out of reach of every proxy, "" where nothing does.
func noProxies(host, before string) string {
	u, err := url.Parse(host)
	if err != nil || u.Scheme == "unix" || u.Hostname() == "" {
		return ""
	}
	return strings.TrimPrefix(before+","+u.Hostname(), ",")
}
