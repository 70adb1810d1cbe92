package means

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "kubernetes.networkpolicy",
	Doc: "Denies what goes to and from the pods of a selector by a NetworkPolicy of its own; an undo deletes it. Every link to or from these pods is cut at " +
		"once, so links: lists them all. Policies only add up: where another policy of the namespace lets something through, this one stops nothing of it, so a namespace " +
		"that has policies is refused. Whether open connections go on is up to the network plugin of the cluster, and so is whether it heeds policies at all: what is seen from the other end tells.",
	Example: "{name: isolate-db, means: kubernetes.networkpolicy, on: [api-to-db], host: east-admin, with: {context: east, namespace: orders, selector: app=orders-db, links: [api-to-db]}}",
	New:     func() Kind { return &kubernetesPolicy{} },
})

// kubernetesPolicy is a policy that names pods, and lets nothing through.
type kubernetesPolicy struct{ with policyWith }

type policyWith struct {
	Context    string   `yaml:"context" need:"yes" doc:"context of the configuration"`
	Namespace  string   `yaml:"namespace" need:"yes" doc:"namespace of the pods"`
	Selector   string   `yaml:"selector" need:"yes" doc:"labels that the pods have: app=orders-db, or several with commas between"`
	Links      []string `yaml:"links" need:"yes" doc:"all links to or from these pods: they are cut at once"`
	Kubeconfig string   `yaml:"kubeconfig" doc:"path of the configuration; ~/.kube/config if not written"`
	Program    string   `yaml:"program" doc:"path of the program; kubectl if not written"`
}

var labelForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./-]{0,252}=[A-Za-z0-9]?[A-Za-z0-9_.-]{0,62}$`)

// Wrong implements target.Judge.
func (w policyWith) Wrong(t *target.Target, _ bool) (key, wrong, hint string) {
	for _, label := range strings.Split(w.Selector, ",") {
		if !labelForm.MatchString(label) {
			return "selector", fmt.Sprintf("holds %q, which is no label", label), "write name=value, with commas between several: app=orders-db,tier=db"
		}
	}
	key, wrong, hint = wrongWords(map[string]string{"context": w.Context, "namespace": w.Namespace}, map[string]string{"program": w.Program, "kubeconfig": w.Kubeconfig})
	if wrong != "" {
		return key, wrong, hint
	}
	return wrongLinks(t, w.Links)
}

// With implements registry.Parametrised.
func (k *kubernetesPolicy) With() any { return &k.with }

// Of implements Kind.
func (*kubernetesPolicy) Of() Scope { return Links }

// Acts implements Kind.
func (*kubernetesPolicy) Acts() []harness.ActionKind { return []harness.ActionKind{harness.LinkCut} }

// policyShell is what the scripts share. A policy of ours that somebody has changed is ours still, and cut in part.
const policyShell = `LC_ALL=C PATH="$PATH:/usr/local/bin:/usr/bin"; export LC_ALL PATH
kubectl_() { KUBECTL "$@" || { code=$?; echo "kubectl $1 fails for $(id -un) (exit code $code)" >&2; return 3; }; }
now() {
  is=$(kubectl_ get networkpolicy "$policy" --ignore-not-found -o 'jsonpath={.spec.podSelector.matchLabels}{.spec.policyTypes}{.spec.ingress}{.spec.egress}') || return
  case $is in '') echo free ;; "$should") echo cut ;; *) echo partly ;; esac
}
`

// body is the policy, and what it says of itself when it is asked for.
func (k *kubernetesPolicy) body(on Subject) (body, said string, err error) {
	labels := map[string]string{}
	for _, l := range strings.Split(k.with.Selector, ",") {
		name, value, _ := strings.Cut(l, "=")
		labels[name] = value
	}
	types := []string{"Ingress", "Egress"}
	all, err := json.Marshal(map[string]any{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
		"metadata": map[string]any{"name": mark("bs-", on), "labels": map[string]string{"blackstart.run": on.Run}},
		"spec":     map[string]any{"podSelector": map[string]any{"matchLabels": labels}, "policyTypes": types}})
	if err != nil {
		return "", "", err
	}
	selector, err := json.Marshal(labels)
	if err != nil {
		return "", "", err
	}
	kinds, err := json.Marshal(types)
	return string(all), string(selector) + string(kinds), err
}

func (k *kubernetesPolicy) shell(on Subject, said string) string {
	argv := "kubectl"
	if k.with.Program != "" {
		argv = k.with.Program
	}
	argv += " --context " + k.with.Context + " --namespace " + k.with.Namespace
	if k.with.Kubeconfig != "" {
		argv += " --kubeconfig " + k.with.Kubeconfig
	}
	return fmt.Sprintf("policy=%s should=%s\n", mark("bs-", on), lease.Quote(said)) + strings.Replace(policyShell, "KUBECTL", argv, 1)
}

// Scripts implements Kind.
func (k *kubernetesPolicy) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	fail := func(err error) (lease.Scripts, error) {
		return lease.Scripts{}, fmt.Errorf("cut %s by kubernetes.networkpolicy: %w", on.Link.Name, err)
	}
	if _, err := flowsOf(act, on); err != nil {
		return fail(err)
	}
	if err := cutsAllOf(k.with.Links, act, on); err != nil {
		return fail(err)
	}
	body, said, err := k.body(on)
	if err != nil {
		return fail(err)
	}
	begin := k.shell(on, said)
	return byTheFirst(k.with.Links, on, lease.Scripts{
		State: begin + "now\n",
		Do:    begin + "word=$(now) || exit\ncase $word in cut) ;; free) printf '%s' " + lease.Quote(body) + " | kubectl_ create -f - >&2 ;; *) exit 1 ;; esac\n",
		Undo:  begin + "kubectl_ delete networkpolicy \"$policy\" --ignore-not-found >&2\n",
		Free:  []string{wordFree}, Ours: []string{wordCut, wordPartly}, Held: true, Most: mostSeconds,
	}), nil
}

// Needs implements Kind.
func (k *kubernetesPolicy) Needs(on Subject) Needs {
	program := "kubectl"
	if k.with.Program != "" {
		program = k.with.Program
	}
	try := k.shell(on, "") + "command -v " + program + " >/dev/null || { echo 'there is no program " + program + "' >&2; exit 1; }\n"
	for _, right := range []string{"get networkpolicies", "list networkpolicies", "create networkpolicies", "delete networkpolicies", "list pods"} {
		try += fmt.Sprintf("[ \"$(kubectl_ auth can-i %s)\" = yes ] || { echo 'the account may not %s in namespace %s' >&2; exit 1; }\n", right, right, k.with.Namespace)
	}
	try += `pods=$(kubectl_ get pods -l ` + k.with.Selector + ` -o name) || exit
[ -n "$pods" ] || { echo 'no pod has the labels ` + k.with.Selector + `' >&2; exit 1; }
others=$(kubectl_ get networkpolicies -o name) || exit
others=$(printf '%s\n' "$others" | grep -v "/$policy\$")
[ -z "$others" ] || { echo "the namespace has policies of its own, beside which this one may stop nothing:" $others >&2; exit 1; }
`
	return Needs{Programs: []string{program, "grep"}, Try: try,
		Ticket: fmt.Sprintf("a role in namespace %s of %s: get, list, create, delete on networkpolicies; list on pods", k.with.Namespace, k.with.Context),
		Reboot: "The cluster keeps the policy, whatever is started again, until its undo."}
}
