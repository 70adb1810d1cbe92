package means

import (
	"fmt"
	"net/url"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "patroni",
	Doc: "The automation of a Patroni cluster, by the REST API of one of its members: paused, it promotes nobody, and starts and stops nothing; and let run again. " +
		"A database is stopped, killed or paused by process.* or container.docker; a switchover is no fault, but a call of kind http.",
	Example: "{name: east-patroni, means: patroni, on: [east.patroni], host: bastion, with: {url: \"https://10.1.0.5:8008\", roots: /etc/patroni/ca.pem, netrc: /etc/blackstart/patroni.netrc}}",
	New:     func() Kind { return &patroniCluster{} },
})

type patroniCluster struct{ with patroniWith }

type patroniWith struct {
	URL   string `yaml:"url" need:"yes" doc:"of the REST API of a member, without a path: https://10.1.0.5:8008"`
	Netrc string `yaml:"netrc" doc:"path, on that host, of a netrc file with the user and the password of the API (restapi.authentication); none are shown if not written"`
	Roots string `yaml:"roots" doc:"path, on that host, of a file of certificates in PEM; those of that host if not written"`
}

// Wrong implements target.Judge.
func (w patroniWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || !prints(w.URL) || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		return "url", "is no address of an API without a path and without a user", "write one such as https://10.1.0.5:8008"
	case w.Roots != "" && u.Scheme != "https":
		return "roots", "goes with https", "write https in its url, or leave roots out"
	}
	return wrongPaths(keyed{"netrc", w.Netrc}, keyed{"roots", w.Roots})
}

// With implements registry.Parametrised.
func (p *patroniCluster) With() any { return &p.with }

// Of implements Kind.
func (*patroniCluster) Of() Scope { return Components }

// Acts implements Kind.
func (*patroniCluster) Acts() []harness.ActionKind {
	return []harness.ActionKind{harness.AutomationPause}
}

// Seconds that a change may take: four questions of five.
const mostPatroni = 25

// Scripts implements Kind.
func (p *patroniCluster) Scripts(act harness.Action, _ Subject) (lease.Scripts, error) {
	if act.Kind != harness.AutomationPause {
		return lease.Scripts{}, fmt.Errorf("build scripts: the automation of Patroni is not taken by %s: pause it", act.Kind)
	}
	begin := p.prelude()
	return lease.Scripts{
		State: begin + "state\necho \"$word\"\n",
		Do: begin + "state\ntest \"$word\" = automatic || fail \"it is $word, and not automatic\"\n" +
			"change '{\"pause\":true}' && state && test \"$word\" = paused || fail \"it was to pause, and is $word\"\n",
		Undo: begin + patroniAgain,
		Free: []string{"automatic"}, Ours: []string{isPaused}, Held: true, Most: mostPatroni,
	}, nil
}

func (p *patroniCluster) prelude() string {
	argv := []string{"curl", "-q", "-sS", "--fail", "-m", "5", "--noproxy", "*", "-o", "-"}
	if p.with.Roots != "" {
		argv = append(argv, "--cacert", p.with.Roots)
	}
	if p.with.Netrc != "" {
		argv = append(argv, "--netrc-file", p.with.Netrc)
	}
	return tryPrelude + "ask() { " + quoted(argv) + " \"$@\"; }\napi=" + lease.Quote(p.with.URL) + " netrc=" + lease.Quote(p.with.Netrc) + " roots=" + lease.Quote(p.with.Roots) + "\n" + patroniPrelude
}

// Needs implements Kind. A change of a key that nobody has changes nothing, and Patroni writes none.
func (p *patroniCluster) Needs(Subject) Needs {
	programs := []string{"curl", "tr"}
	return Needs{
		Programs: programs,
		Ticket:   "PATCH /config of Patroni's REST API at " + p.with.URL + " from that host (restapi.allowlist, restapi.authentication)",
		Reboot:   "the cluster stays paused, whatever is booted: the pause stands in its configuration store",
		Try: p.prelude() + programsThere(programs) +
			"for f in \"$netrc\" \"$roots\"; do test -z \"$f\" || test -r \"$f\" || fail \"$f cannot be read\"; done\n" +
			"state\ncase $word in automatic | paused) ;; *) fail \"$api does not tell of a Patroni cluster\" ;; esac\n" +
			"change '{\"blackstart\":null}' || fail \"$api does not let the account change the configuration\"\n",
	}
}

// patroniPrelude asks for the cluster, which a member looks up; what it says of its configuration may be as old as its last round.
const patroniPrelude = `state() {
	if ! got=$(ask "$api/cluster" 2>/dev/null); then word=unknown; return 0; fi
	got=$(printf %s "$got" | tr -d ' \t\n')
	case $got in
	*'"pause":true'*) word=paused ;;
	'{'*'"members":['*) word=automatic ;;
	*) word=unknown ;;
	esac
}
change() { ask -X PATCH -H 'Content-Type: application/json' -d "$1" "$api/config" >/dev/null 2>&1; }
`

const patroniAgain = `state
case $word in
paused) change '{"pause":null}' && state && test "$word" = automatic || fail "it was to go on, and is $word" ;;
automatic) ;;
*) fail "it is $word: that is not how it was left" ;;
esac
`
