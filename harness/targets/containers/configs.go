package containers

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/testcontainers/testcontainers-go"

	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/postgres"
)

// Where things stand inside a container.
const (
	inside    = "/etc/blackstart/"
	stateDir  = "/state/"
	auditFile = stateDir + finrag.AuditFile
	dataDir   = "/data/pg"
	releases  = "/releases"
)

// serviceAccount is whom finrag's image runs as: nobody.
const serviceAccount = 65534

func join(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// where says where everything is, as finrag's own parts see it: valid once the gates are open.
func (r *rehearsal) where() finrag.Layout {
	in := func(name string) string { return inside + name }
	l := finrag.Layout{
		Listen: map[string]string{}, Inside: map[string]string{}, Outside: map[string]string{}, Port: apiPort,
		Config: in, Secret: in, State: func(name string) string { return stateDir + name },
		TLS: func(name string) string { return stateDir + name },
	}
	if len(r.Programs) > 0 {
		l.Releases = func(string) string { return releases }
	}
	self := r.gates[outside].address[outside]
	for name, port := range map[string]int{"outside.dns": dnsPort, "outside.control": dnsControlPort, "outside.controller": controllerPort} {
		l.Listen[name], l.Inside[name] = join(self, port), join(self, port)
	}
	for _, region := range finrag.Regions() {
		l.Listen[region+".api"] = join("0.0.0.0", apiPort)
		for name, port := range map[string]int{region + ".api": apiPort, region + ".db": databasePort} {
			l.Inside[name], l.Outside[name] = join(r.gates[name].address[region], port), join(r.gates[name].address[upTo(region)], port)
		}
		if g := r.gates[region+".cache"]; g != nil {
			l.Inside[region+".cache"] = join(g.address[region], cachePort)
		}
	}
	if l.WAL = join(r.gates["east.db"].address[walNet], databasePort); r.walRelay != nil {
		l.WAL = r.walRelay.Addr()
	}
	return l
}

// text is a file to be copied into a container before it starts.
func text(name, content string) testcontainers.ContainerFile { return file(inside+name, content) }

func file(path, content string) testcontainers.ContainerFile {
	return testcontainers.ContainerFile{Reader: strings.NewReader(content), ContainerFilePath: path, FileMode: 0o444}
}

// secretFiles are those secrets as files.
func (r *rehearsal) secretFiles(names ...string) (files []testcontainers.ContainerFile) {
	for _, n := range names {
		if s, ok := r.Secrets[n]; ok {
			files = append(files, text(n, s+"\n"))
		}
	}
	return files
}

// configFiles are a component's own configuration and the secrets it names.
func (r *rehearsal) configFiles(config string, secrets ...string) []testcontainers.ContainerFile {
	return append(r.secretFiles(secrets...), text(config, string(r.configs[config])))
}

// regionFiles are the files of one region's API.
func (r *rehearsal) regionFiles(region string) ([]testcontainers.ContainerFile, error) {
	files := r.configFiles(region+".yaml", finrag.DatabasePassword, finrag.AdminToken(region))
	for name, path := range map[string]string{region + ".crt": r.Leaves[region].CertFile, region + ".key": r.Leaves[region].KeyFile} {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the certificate of %s: %w", region, err)
		}
		files = append(files, file(r.Layout.TLS(name), string(b)))
	}
	return files, nil
}

func (r *rehearsal) controllerFiles() []testcontainers.ContainerFile {
	files := r.configFiles("controller.yaml", finrag.DatabasePassword, finrag.DNSToken, finrag.CallToken, finrag.PagerKey, finrag.StatusToken,
		finrag.AdminToken(east), finrag.AdminToken(west), finrag.AuthorityKey)
	return append(files, text("ca.crt", string(r.Authority.PEM)))
}

// databaseFiles are those of a database's container: how it starts, its configuration, its password.
func (r *rehearsal) databaseFiles(region string, start []byte) []testcontainers.ContainerFile {
	lines := append([]string{
		"# Written by the harness; changes are lost.",
		"listen_addresses = '*'", // of its own network, whose ends are the links and the private path
		fmt.Sprintf("port = %d", databasePort),
		"unix_socket_directories = '/tmp'",
		"cluster_name = '" + region + "'",
	}, postgres.ServerSettings()...)
	lines = append(lines, r.DatabaseSettings(region)...)
	script := text("postgres-start.sh", string(start))
	script.FileMode = 0o555
	return append(r.secretFiles(finrag.DatabasePassword), script, text("server.conf", strings.Join(lines, "\n")+"\n"))
}
