package means

import (
	"fmt"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "kubernetes.deployment",
	Doc: "A deployment of Kubernetes, scaled to nothing and back by kubectl. The number that it had is kept by the deployment itself, in the annotations blackstart-run and " +
		"blackstart-replicas, in the same change. A horizontal autoscaler does nothing meanwhile; what applies manifests again takes it back.",
	Example: "{name: east-api, means: kubernetes.deployment, on: [east.api], host: bastion, with: {context: east, namespace: orders, deployment: orders-api}}",
	New:     func() Kind { return &kubernetesDeployment{} },
})

type kubernetesDeployment struct{ with deploymentWith }

type deploymentWith struct {
	Context    string `yaml:"context" need:"yes" doc:"context of the configuration"`
	Namespace  string `yaml:"namespace" need:"yes" doc:"its namespace"`
	Deployment string `yaml:"deployment" need:"yes" doc:"its name"`
	Kubeconfig string `yaml:"kubeconfig" doc:"path of the configuration on that host; ~/.kube/config of the account if not written"`
}

// Wrong implements target.Judge.
func (w deploymentWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	return wrongCluster(keyed{"kubeconfig", w.Kubeconfig}, keyed{"context", w.Context}, keyed{"namespace", w.Namespace}, keyed{"deployment", w.Deployment})
}

func wrongCluster(kubeconfig keyed, names ...keyed) (key, wrong, hint string) {
	return firstWrong(func() (string, string, string) { return wrongNames(names...) }, func() (string, string, string) { return wrongPaths(kubeconfig) })
}

// cluster is the beginning of each command to a cluster.
func cluster(context, kubeconfig, namespace string) string {
	argv := []string{"kubectl", "--request-timeout=10s", "--context", context, "-n", namespace}
	if kubeconfig != "" {
		argv = append(argv, "--kubeconfig", kubeconfig)
	}
	return "cluster() { " + quoted(argv) + " \"$@\"; }\n"
}

// With implements registry.Parametrised.
func (k *kubernetesDeployment) With() any { return &k.with }

// Of implements Kind.
func (*kubernetesDeployment) Of() Scope { return Components }

// Acts implements Kind.
func (*kubernetesDeployment) Acts() []harness.ActionKind {
	return []harness.ActionKind{harness.ComponentStop}
}

// Seconds that a change of a deployment may take: two questions of ten.
const mostDeployment = 30

// Scripts implements Kind.
func (k *kubernetesDeployment) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	if act.Kind != harness.ComponentStop {
		return lease.Scripts{}, fmt.Errorf("build scripts: a deployment is not taken by %s: stop it, or kill its pods by kubernetes.pod", act.Kind)
	}
	begin := k.prelude(on)
	return lease.Scripts{
		State: begin + "state\necho \"$word\"\n",
		Do: begin + "state\ntest \"$word\" = running || fail \"it is $word, and not running\"\n" +
			`change "{\"blackstart-run\":\"$run\",\"blackstart-replicas\":\"$replicas\"}" 0` + "\n",
		Undo: begin + deploymentAgain,
		Free: []string{isRunning}, Ours: []string{"scaled"}, Held: true, Most: mostDeployment,
	}, nil
}

func (k *kubernetesDeployment) prelude(on Subject) string {
	return tryPrelude + cluster(k.with.Context, k.with.Kubeconfig, k.with.Namespace) + "run=" + lease.Quote(on.Run) + " deployment=" + lease.Quote(k.with.Deployment) + "\n" + deploymentPrelude
}

// Needs implements Kind.
func (k *kubernetesDeployment) Needs(on Subject) Needs {
	programs := []string{"kubectl"}
	return Needs{
		Programs: programs,
		Ticket:   "for the account of that host in the cluster: get and patch on the deployment " + k.with.Deployment + " in namespace " + k.with.Namespace,
		Reboot:   "it stays scaled to nothing, whatever is booted; its undo reads from the deployment what it had",
		Try: k.prelude(on) + programsThere(programs) +
			"for v in get patch; do cluster auth can-i \"$v\" \"deployments/$deployment\" >/dev/null 2>&1 || fail \"the account may not $v deployment $deployment, or no cluster answers\"; done\n" +
			"state\ntest \"$word\" = running || fail \"deployment $deployment is $word\"\n",
	}
}

// deploymentPrelude: a change says which version it changes, so that one that somebody else has made in between is not lost.
const deploymentPrelude = `state() {
	if ! got=$(cluster get deployment "$deployment" -o 'jsonpath={.spec.replicas}/{.metadata.resourceVersion}/{.metadata.annotations.blackstart-run}/{.metadata.annotations.blackstart-replicas}' 2>&1); then
		case $got in *NotFound*) word=absent ;; *) word=unknown ;; esac
		return 0
	fi
	replicas=${got%%/*} got=${got#*/}
	version=${got%%/*} got=${got#*/}
	owner=${got%%/*} had=${got#*/}
	case $replicas:$version in *[!0-9A-Za-z:]* | :* | *:) word=unknown; return 0 ;; esac
	case $owner:$replicas in
	:0) word=empty ;;
	:*) word=running ;;
	"$run:0") word=scaled ;;
	"$run:"*) word=changed ;;
	*) word=of-another-run ;;
	esac
}
change() {
	cluster patch deployment "$deployment" --type=merge \
		-p "{\"metadata\":{\"resourceVersion\":\"$version\",\"annotations\":$1},\"spec\":{\"replicas\":$2}}" >/dev/null
}
`

const deploymentAgain = `state
case $word in
scaled)
	case $had in '' | *[!0-9]*) fail "its annotation blackstart-replicas holds no number" ;; esac
	change '{"blackstart-run":null,"blackstart-replicas":null}' "$had" || fail 'it could not be scaled back'
	;;
running) ;;
*) fail "it is $word: that is not how it was left" ;;
esac
`
