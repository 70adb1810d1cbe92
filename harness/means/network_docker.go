package means

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "network.docker",
	Doc: "Takes a container off a network of its engine, and connects it again with the address and the aliases that it had. Every link that goes through this network to or " +
		"from the container is cut at once and both ways, so links: lists them all, and a fault that names some of them is refused. Whoever asks from the same network " +
		"finds nobody at the address; the container itself finds no network. The address must be a fixed one, or it may come back with another.",
	Example: "{name: unplug-db, means: network.docker, on: [api-to-db], host: docker-east, with: {network: orders, container: orders-db-1, ip: 172.30.0.5, aliases: [db], links: [api-to-db]}}",
	New:     func() Kind { return &networkDocker{} },
})

// networkDocker is a plug that is pulled.
type networkDocker struct{ with networkDockerWith }

type networkDockerWith struct {
	Network   string   `yaml:"network" need:"yes" doc:"name of the network"`
	Container string   `yaml:"container" need:"yes" doc:"name of the container"`
	IP        string   `yaml:"ip" need:"yes" doc:"its fixed IPv4 address there"`
	IP6       string   `yaml:"ip6" doc:"its fixed IPv6 address there; none if not written"`
	Aliases   []string `yaml:"aliases" doc:"its aliases there, without the ID that the engine adds; none if not written"`
	Links     []string `yaml:"links" need:"yes" doc:"all links that go through the network to or from the container: they are cut at once"`
	Context   string   `yaml:"context" doc:"docker context; the one in use if not written"`
	Program   string   `yaml:"program" doc:"path of the program; docker if not written"`
}

var (
	wordForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:/@-]{0,252}$`)
	pathForm = regexp.MustCompile(`^(/[A-Za-z0-9_.+@-]+)+$`)
)

// wrongWords finds a word that a program could take for an option, and a path that is not whole.
func wrongWords(words map[string]string, paths map[string]string) (key, wrong, hint string) {
	for key, w := range words {
		if w != "" && !wordForm.MatchString(w) {
			return key, "is no name", "write letters, digits and _.:/@-, beginning with a letter or a digit"
		}
	}
	for key, p := range paths {
		if p != "" && (!pathForm.MatchString(p) || strings.Contains(p, "/.")) {
			return key, "is no whole path", "write the whole path of the file, of letters, digits and _-+.@/"
		}
	}
	return "", "", ""
}

// wrongLinks finds a name of links: that is no link. All of them are acted on by the means, or a fault could name but some.
func wrongLinks(t *target.Target, links []string) (key, wrong, hint string) {
	for i, name := range links {
		switch {
		case slices.Contains(links[:i], name):
			return "links", "names " + name + " twice", "name each once"
		case t != nil && !slices.ContainsFunc(t.Links, func(l target.Link) bool { return l.Name == name }):
			return "links", fmt.Sprintf("names %q, and there is no such link", name), "name links of this file"
		}
	}
	return "", "", ""
}

// Wrong implements target.Judge.
func (w networkDockerWith) Wrong(t *target.Target, _ bool) (key, wrong, hint string) {
	for key, ip := range map[string]string{"ip": w.IP, "ip6": w.IP6} {
		if a, err := netip.ParseAddr(ip); ip != "" && (err != nil || a.Is4() != (key == "ip") || a.String() != ip) {
			return key, fmt.Sprintf("is no address of its family (%q)", ip), "write the one that docker inspect shows as IPAMConfig of the network"
		}
	}
	for _, a := range w.Aliases {
		if !wordForm.MatchString(a) {
			return "aliases", fmt.Sprintf("holds %q, which is no name", a), "write those that docker inspect shows"
		}
	}
	if key, wrong, hint = wrongWords(map[string]string{"network": w.Network, "container": w.Container, "context": w.Context}, map[string]string{"program": w.Program}); wrong != "" {
		return key, wrong, hint
	}
	return wrongLinks(t, w.Links)
}

// With implements registry.Parametrised.
func (n *networkDocker) With() any { return &n.with }

// Of implements Kind.
func (*networkDocker) Of() Scope { return Links }

// Acts implements Kind.
func (*networkDocker) Acts() []harness.ActionKind { return []harness.ActionKind{harness.LinkCut} }

// Words of a container on a network.
const (
	wordJoined  = "joined"  // as the file says
	wordDiffers = "differs" // with another address or other aliases: nothing of it is touched
)

// dockerShell is what the scripts share. The engine adds the first 12 digits of the container's ID to its aliases, which are not compared.
const dockerShell = `LC_ALL=C PATH="$PATH:/usr/local/bin:/usr/bin"; export LC_ALL PATH
docker_() { DOCKER "$@" || { code=$?; echo "docker $1 fails for $(id -un) (exit code $code)" >&2; return 3; }; }
found() {
  id=$(docker_ inspect --type container -f '{{.Id}}' "$container") || return
  is=$(docker_ inspect --type container -f '{{with index .NetworkSettings.Networks "'"$network"'"}}ip={{with .IPAMConfig}}{{.IPv4Address}} ip6={{.IPv6Address}}{{else}} ip6={{end}} links={{range .Links}}{{.}},{{end}} aliases={{range .Aliases}}
{{.}}{{end}}{{end}}' "$container") || return
  is=$(printf '%s\n' "$is" | sed 1q; printf '%s\n' "$is" | sed 1d | grep -v -x -F "$(printf '%s' "$id" | cut -c 1-12)" | sort -u)
}
now() {
  found || return
  case $is in
  '') echo cut ;;
  "$should") echo joined ;;
  *) echo differs; echo "$container is on network $network, and not as the file says:" $is "instead of" $should >&2 ;;
  esac
}
`

// argv is the command of the engine, with words that a shell reads.
func (n *networkDocker) argv(on Subject) string {
	argv := "docker"
	if n.with.Program != "" {
		argv = n.with.Program
	}
	if n.with.Context != "" {
		argv += " --context " + n.with.Context
	}
	return on.Root() + argv
}

func (n *networkDocker) shell(on Subject) string {
	aliases := slices.Compact(slices.Sorted(slices.Values(n.with.Aliases)))
	lines := append([]string{fmt.Sprintf("ip=%s ip6=%s links= aliases=", n.with.IP, n.with.IP6)}, aliases...)
	return fmt.Sprintf("network=%s container=%s should=%s\n", n.with.Network, n.with.Container, lease.Quote(strings.Join(lines, "\n"))) +
		strings.Replace(dockerShell, "DOCKER", n.argv(on), 1)
}

// connect is what connects it again.
func (n *networkDocker) connect() string {
	words := "network connect --ip " + n.with.IP
	if n.with.IP6 != "" {
		words += " --ip6 " + n.with.IP6
	}
	for _, a := range n.with.Aliases {
		words += " --alias " + a
	}
	return words + " " + n.with.Network + " " + n.with.Container
}

func (n *networkDocker) disconnect() string {
	return "network disconnect " + n.with.Network + " " + n.with.Container
}

// Scripts implements Kind.
func (n *networkDocker) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	if _, err := flowsOf(act, on); err != nil {
		return lease.Scripts{}, fmt.Errorf("cut %s by network.docker: %w", on.Link.Name, err)
	}
	if err := cutsAllOf(n.with.Links, act, on); err != nil {
		return lease.Scripts{}, fmt.Errorf("cut %s by network.docker: %w", on.Link.Name, err)
	}
	begin := n.shell(on)
	return byTheFirst(n.with.Links, on, lease.Scripts{
		State: begin + "now\n",
		Do:    begin + "word=$(now) || exit\ncase $word in cut) ;; joined) docker_ " + n.disconnect() + " ;; *) exit 1 ;; esac\n",
		Undo:  begin + "word=$(now) || exit\ncase $word in joined) ;; cut) docker_ " + n.connect() + " && [ \"$(now)\" = joined ] ;; *) exit 1 ;; esac\n",
		Free:  []string{wordJoined}, Ours: []string{wordCut}, Held: true, Most: mostSeconds,
	}), nil
}

// byTheFirst leaves what cuts several links at once to the first of them. The others are found free whether it is cut or not, do nothing,
// and have nothing to take back.
func byTheFirst(links []string, on Subject, s lease.Scripts) lease.Scripts {
	if on.Link.Name == links[0] {
		return s
	}
	return lease.Scripts{State: s.State, Do: ":\n", Undo: ":\n", Free: append(s.Free, s.Ours...), Most: s.Most}
}

// Needs implements Kind.
func (n *networkDocker) Needs(on Subject) Needs {
	program := "docker"
	if n.with.Program != "" {
		program = n.with.Program
	}
	needs := Needs{Programs: withSudo(on, program, "cut", "grep", "sed", "sort"),
		Ticket: fmt.Sprintf("that container %s is taken off network %s for the time of the drill; the engine, for the account (group docker) or by sudo", n.with.Container, n.with.Network),
		Reboot: "The engine keeps it: after a reboot, or a start of the container, it is still off the network, until its undo. One that is made anew is on it."}
	if on.Sudo {
		at := program
		if !strings.Contains(at, "/") {
			at = "/usr/bin/docker"
		}
		if n.with.Context != "" {
			at += " --context " + n.with.Context
		}
		needs.Root = []string{at + " inspect *", at + " " + n.disconnect(), at + " " + n.connect()}
	}
	needs.Try = n.shell(on) + `command -v ` + program + ` >/dev/null || { echo 'there is no program ` + program + `' >&2; exit 1; }
word=$(now) && found || exit
[ $word != cut ] || { echo "$container is not on network $network" >&2; exit 1; }
[ $word = joined ] || case $is in
  'ip= '*) echo "$container has no fixed address on network $network, and could come back with another: give it one (ipv4_address of compose, --ip of docker)" >&2; exit 1 ;;
  *) echo "$container is not on network $network as the file says: it is" $is >&2; exit 1 ;;
esac
`
	return needs
}
