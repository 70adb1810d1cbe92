package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/harness/targets/procs"
	"blackstart/internal/registry"
)

var _ = Transports.Add(registry.Kind[Transport]{
	Name: "ssh",
	Doc: "By the ssh program and the configuration of the account that runs this: jump hosts, keys and known hosts are those of ~/.ssh. Nothing is asked for, " +
		"no agent is used, and a host key that is not known is refused. The identity is the fingerprint of the host key.",
	Example: "{name: east-1, region: east, address: 10.1.0.5, by: ssh, identity: 'SHA256:…', with: {user: blackstart}}",
	New:     func() Transport { return &sshTransport{} },
})

type sshTransport struct{ with sshWith }

type sshWith struct {
	User       string `yaml:"user" doc:"account there; what ~/.ssh/config says if not written"`
	Port       int    `yaml:"port" min:"1" max:"65535" doc:"port; what ~/.ssh/config says if not written"`
	Key        string `yaml:"key" doc:"path of the private key that is shown; those of ~/.ssh if not written"`
	KnownHosts string `yaml:"knownHosts" doc:"path of a file of known hosts; those of ~/.ssh and /etc/ssh if not written"`
	Program    string `yaml:"program" doc:"path of the program; ssh if not written"`
}

// Wrong implements target.Judge.
func (w sshWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	if !accountForm.MatchString(w.User) && w.User != "" {
		return "user", "is no account", "write its name alone"
	}
	return wrongPaths(map[string]string{"key": w.Key, "knownHosts": w.KnownHosts, "program": w.Program})
}

var accountForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,99}$`)

// wrongPaths finds a path that is not whole.
func wrongPaths(paths map[string]string) (key, wrong, hint string) {
	for key, p := range paths {
		if p != "" && (!filepath.IsAbs(p) || filepath.Clean(p) != p || strings.ContainsAny(p, " \t%\"'$~")) {
			return key, "is no whole path, or holds a character that means something to programs", "write the whole path of the file, of letters, digits and _-+.@/"
		}
	}
	return "", "", ""
}

// With implements registry.Parametrised.
func (s *sshTransport) With() any { return &s.with }

// IdentityForm is that of a fingerprint.
func (*sshTransport) IdentityForm() *regexp.Regexp { return fingerprintForm }

var (
	fingerprintForm = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)
	hostKeyLine     = regexp.MustCompile(`(?m)^debug1: Server host key: \S+ (SHA256:[A-Za-z0-9+/]{43})\r?$`)
)

// argv is the program with its options: nobody is asked anything, no connection is shared, nothing is forwarded, and whoever has
// fallen silent is given up. Messages of the first level tell the fingerprint.
func (s *sshTransport) argv(h target.Host) []string {
	argv := []string{"ssh", "-T", "-a", "-x"}
	if s.with.Program != "" {
		argv[0] = s.with.Program
	}
	for _, option := range []string{"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ControlMaster=no", "ControlPath=none", "ClearAllForwardings=yes",
		"PermitLocalCommand=no", "RemoteCommand=none", "EscapeChar=none", "LogLevel=DEBUG1", "ConnectTimeout=10", "ConnectionAttempts=1",
		"ServerAliveInterval=5", "ServerAliveCountMax=3", "FingerprintHash=sha256"} {
		argv = append(argv, "-o", option)
	}
	for option, value := range map[string]string{"UserKnownHostsFile": s.with.KnownHosts, "IdentityFile": s.with.Key} {
		if value != "" {
			argv = append(argv, "-o", option+"="+value)
		}
	}
	if s.with.KnownHosts != "" {
		argv = append(argv, "-o", "GlobalKnownHostsFile=/dev/null")
	}
	if s.with.Key != "" {
		argv = append(argv, "-o", "IdentitiesOnly=yes")
	}
	if s.with.User != "" {
		argv = append(argv, "-l", s.with.User)
	}
	if s.with.Port != 0 {
		argv = append(argv, "-p", strconv.Itoa(s.with.Port))
	}
	return append(argv, "--", strings.Trim(h.Address, "[]"))
}

// Shell implements Transport. The login shell reads one word in single quotes, and becomes sh.
func (s *sshTransport) Shell(h target.Host, script string) []string {
	return append(s.argv(h), "exec /bin/sh -c '"+script+"'")
}

// Told implements Telling: the last host key is that of the host; one before it is of a host on the way.
func (*sshTransport) Told(complaint string) string {
	all := hostKeyLine.FindAllStringSubmatch(complaint, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}

// Identity connects, and ends the session as soon as it has begun. A host whose key is not known yet, or lets nobody in, tells it all the same.
func (s *sshTransport) Identity(ctx context.Context, h target.Host) (string, error) {
	a, err := procs.Ask(ctx, procs.Question{Argv: append(s.argv(h), "exit 0"), Most: mostKept})
	if !a.Started && err != nil {
		return "", err
	}
	if got := s.Told(string(a.Stderr)); got != "" {
		return got, nil
	}
	if why, refused := s.Explain(string(a.Stderr)); refused {
		return "", component.Refuse("%s", why)
	} else if why != "" {
		return "", errors.New(why)
	}
	if err == nil {
		err = fmt.Errorf("ssh did not tell (exit code %d)", a.Code)
	}
	return "", err
}

// Explain implements Transport: what ssh says is known by its phrases, and told in words of our own.
func (*sshTransport) Explain(complaint string) (why string, refused bool) {
	return explain(debugLine.ReplaceAllString(complaint, ""), []meaning{
		{"HOST IDENTIFICATION HAS CHANGED", "its host key is another than the one that is known", true},
		{"host key is known for", "its host key is not known: add it to the file of known hosts, once it is certain", true},
		{"Host key verification failed", "its host key is not known, or another than the one that is", true},
		{"Permission denied", "it lets the account in by none of the keys that were shown", true},
		{"Unable to negotiate", "it and ssh have no algorithm in common", true},
		{"account is currently not available", "the account may not log in there", true},
		{"Could not resolve hostname", "its name cannot be resolved", false},
		{"Connection refused", "connection refused", false},
		{"No route to host", "there is no route to it", false},
		{"Network is unreachable", "there is no route to it", false},
		{"Connection timed out", "no answer in time", false},
		{"Operation timed out", "no answer in time", false},
		{"UNPROTECTED PRIVATE KEY FILE", "the private key may be read by others, so ssh does not use it", true},
	})
}

var debugLine = regexp.MustCompile(`(?m)^debug\d: .*$`)

// Port implements Reaching. Where the file does not say, it may be another that ~/.ssh/config names.
func (s *sshTransport) Port() string {
	if s.with.Port != 0 {
		return strconv.Itoa(s.with.Port)
	}
	return "22"
}

// Needs implements Transport.
func (s *sshTransport) Needs(h target.Host) string {
	account := s.with.User
	if account == "" {
		account = "that ~/.ssh/config names"
	}
	return fmt.Sprintf("by ssh, account %s: its login shell sh, bash, dash, ksh or zsh; /bin/sh and timeout there", account)
}
