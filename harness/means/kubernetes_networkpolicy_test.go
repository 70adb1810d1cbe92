package means_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
)

// standInKubectl stands in for kubectl and a cluster, of which there is none here: it checks its arguments as kubectl documents them,
// and keeps the one policy in a file.
const standInKubectl = `#!/bin/sh
[ "$1 $2 $3 $4" = "--context east --namespace orders" ] || { echo 'error: context was not found' >&2; exit 1; }
shift 4
case "$*" in
"auth can-i "*) [ ! -e DIR/forbidden ] || { echo no; exit 1; }; echo yes ;;
"get networkpolicy bs-"*" --ignore-not-found -o jsonpath={.spec.podSelector.matchLabels}{.spec.policyTypes}{.spec.ingress}{.spec.egress}")
  [ ! -e DIR/forbidden ] || { echo 'Error from server (Forbidden)' >&2; exit 1; }
  [ ! -e DIR/policy ] || sed 's/.*"matchLabels":\({[^}]*}\).*"policyTypes":\(\[[^]]*\]\)\(.*\)}}$/\1\2/' DIR/policy; cat DIR/changed 2>/dev/null || : ;;
"create -f -") [ ! -e DIR/policy ] || { echo 'Error from server (AlreadyExists)' >&2; exit 1; }; cat >DIR/policy ;;
"delete networkpolicy bs-"*" --ignore-not-found") rm -f DIR/policy DIR/changed ;;
"get pods -l app=orders-db,tier=db -o name") cat DIR/pods ;;
"get networkpolicies -o name") cat DIR/policies ;;
*) echo "kubectl does not know: $*" >&2; exit 9 ;;
esac
`

// TestAPolicyDenies by a stand-in: what is asked of a cluster, and what its answers are taken for. That a cluster heeds the policy is
// not shown here.
func TestAPolicyDenies(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "kubectl")
	write("kubectl", strings.ReplaceAll(standInKubectl, "DIR", dir))
	write("pods", "pod/orders-db-0\n")
	write("policies", "")
	w := &wires{t: t}
	k := kindOf(t, "kubernetes.networkpolicy", map[string]any{"context": "east", "namespace": "orders", "selector": "app=orders-db,tier=db", "links": list("api-to-db"), "program": program})
	on := subject("", serverAt)
	s := scriptsOf(t, k, cutting(harness.Both, "east"), on)
	try := k.Needs(on).Try
	w.succeeds("", try)
	w.is("", s, "free")
	w.succeeds("", s.Undo)
	w.succeeds("", s.Do)
	w.is("", s, "cut")
	body, err := os.ReadFile(filepath.Join(dir, "policy"))
	var policy struct {
		Kind     string
		Metadata struct {
			Name   string
			Labels map[string]string
		}
		Spec struct {
			PodSelector     struct{ MatchLabels map[string]string }
			PolicyTypes     []string
			Ingress, Egress []any
		}
	}
	if err != nil || json.Unmarshal(body, &policy) != nil || policy.Kind != "NetworkPolicy" || policy.Metadata.Labels["blackstart.run"] != "r-1" || len(policy.Spec.Ingress)+len(policy.Spec.Egress) > 0 ||
		policy.Spec.PodSelector.MatchLabels["tier"] != "db" || strings.Join(policy.Spec.PolicyTypes, " ") != "Ingress Egress" || !strings.HasPrefix(policy.Metadata.Name, "bs-") {
		t.Errorf("%s, %v", body, err)
	}
	w.succeeds("", s.Do)
	write("policies", "networkpolicy.networking.k8s.io/"+policy.Metadata.Name+"\n")
	w.succeeds("", try) // its own is none of another
	write("changed", `[{"from":[]}]`)
	w.is("", s, "partly")
	w.succeeds("", s.Undo)
	w.is("", s, "free")
	w.succeeds("", s.Undo)
	for name, c := range map[string]struct{ file, text, want string }{
		"other policies": {"policies", "networkpolicy.networking.k8s.io/default-deny\n", "policies of its own, beside which this one may stop nothing: networkpolicy.networking.k8s.io/default-deny"},
		"no pods":        {"pods", "", "no pod has the labels app=orders-db,tier=db"},
		"no permission":  {"forbidden", "", "the account may not get networkpolicies in namespace orders"},
	} {
		write(c.file, c.text)
		if e := w.sh("", try); e.code == 0 || !strings.Contains(last(e.complain), c.want) {
			t.Errorf("%s: %+v", name, e)
		}
		_ = os.Remove(filepath.Join(dir, "forbidden"))
		write("policies", "")
		write("pods", "pod/orders-db-0\n")
	}
	write("forbidden", "")
	if e := w.sh("", s.State); e.code == 0 || e.out != "" || w.sh("", s.Do).code == 0 {
		t.Errorf("who may not look says %+v", e)
	}
}
