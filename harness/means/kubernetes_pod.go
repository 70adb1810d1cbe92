package means

import (
	"fmt"
	"regexp"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "kubernetes.pod",
	Doc: "The pods that a selector finds, deleted at once by kubectl: their controllers make them anew, and that is all of its undo, which waits until they are ready. Those of a " +
		"StatefulSet have one second to end, since a deletion by force would begin their successors before the node has shown that they are gone: two of a database. A pod that " +
		"no controller makes anew is not touched.",
	Example: "{name: east-api-pods, means: kubernetes.pod, on: [east.api], host: bastion, with: {context: east, namespace: orders, selector: app=orders-api}}",
	New:     func() Kind { return &kubernetesPod{} },
})

type kubernetesPod struct{ with podWith }

type podWith struct {
	Context    string `yaml:"context" need:"yes" doc:"context of the configuration"`
	Namespace  string `yaml:"namespace" need:"yes" doc:"their namespace"`
	Selector   string `yaml:"selector" need:"yes" doc:"labels of the pods: app=orders-api"`
	Kubeconfig string `yaml:"kubeconfig" doc:"path of the configuration on that host; ~/.kube/config of the account if not written"`
}

var selectorForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./=!,() -]{0,252}$`)

// Wrong implements target.Judge.
func (w podWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	if !selectorForm.MatchString(w.Selector) {
		return "selector", "selects nothing, or anything", "write labels, such as app=orders-api,tier=web"
	}
	return wrongCluster(keyed{"kubeconfig", w.Kubeconfig}, keyed{"context", w.Context}, keyed{"namespace", w.Namespace})
}

// With implements registry.Parametrised.
func (k *kubernetesPod) With() any { return &k.with }

// Of implements Kind.
func (*kubernetesPod) Of() Scope { return Components }

// Acts implements Kind.
func (*kubernetesPod) Acts() []harness.ActionKind {
	return []harness.ActionKind{harness.ComponentKill}
}

// Seconds that controllers may take to make pods anew, and an act in all.
const (
	podsReady = 120
	mostPods  = 150
)

// Scripts implements Kind.
func (k *kubernetesPod) Scripts(act harness.Action, _ Subject) (lease.Scripts, error) {
	if act.Kind != harness.ComponentKill {
		return lease.Scripts{}, fmt.Errorf("build scripts: pods are not taken by %s: kill them, or stop their deployment by kubernetes.deployment", act.Kind)
	}
	begin := k.prelude()
	return lease.Scripts{
		State: begin + "state\necho \"$word\"\n",
		Do: begin + "state\ntest \"$word\" = running || fail \"they are $word, and not running\"\n" +
			"case $kinds in *StatefulSet*) set -- --grace-period=1 ;; *) set -- --grace-period=0 --force ;; esac\n" +
			"cluster delete pods -l \"$selector\" --wait=false \"$@\" >/dev/null 2>&1 || fail 'they could not be deleted'\n",
		Undo: begin + podsAgain,
		Free: []string{isRunning}, Ours: []string{"none", "starting"}, Most: mostPods,
	}, nil
}

func (k *kubernetesPod) prelude() string {
	return tryPrelude + cluster(k.with.Context, k.with.Kubeconfig, k.with.Namespace) + "selector=" + lease.Quote(k.with.Selector) + "\n" + podPrelude
}

// Needs implements Kind.
func (k *kubernetesPod) Needs(Subject) Needs {
	programs := []string{"kubectl", "sleep"}
	return Needs{
		Programs: programs,
		Ticket:   "for the account of that host in the cluster: list and delete on pods in namespace " + k.with.Namespace,
		Reboot:   "nothing: the controllers make the pods anew",
		Try: k.prelude() + programsThere(programs) +
			"for v in list delete; do cluster auth can-i \"$v\" pods >/dev/null 2>&1 || fail \"the account may not $v pods, or no cluster answers\"; done\n" +
			"state\ntest \"$word\" = running || fail \"the pods are $word\"\n",
	}
}

// podPrelude: a pod that is on its way out is not there any more.
var podPrelude = `state() {
	if ! got=$(cluster get pods -l "$selector" -o 'jsonpath={range .items[*]}{.metadata.deletionTimestamp}/{.metadata.ownerReferences[0].kind}/{.status.conditions[?(@.type=="Ready")].status}{" "}{end}' 2>&1); then
		word=unknown
		return 0
	fi
	word=none kinds=
	for e in $got; do
		of=${e#*/}
		case $e in
		/*) ;;
		*) continue ;;
		esac
		case $of in
		/*) word=without-a-controller; return 0 ;;
		esac
		kinds="$kinds ${of%%/*}"
		case $of:$word in
		*/True:none) word=running ;;
		*/True:*) ;;
		*) word=starting ;;
		esac
	done
}
`

// podsAgain waits until they are ready. There is nothing else to undo.
var podsAgain = fmt.Sprintf(`read -r now _ </proc/uptime
end=$((${now%%%%.*} + %d))
while state; test "$word" != running; do
	case $word in none | starting) ;; *) fail "they are $word" ;; esac
	read -r now _ </proc/uptime
	test "${now%%%%.*}" -lt "$end" || fail "they are $word, and their controllers were to make them anew"
	sleep 1
done
`, podsReady)
