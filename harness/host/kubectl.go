package host

import (
	"context"
	"fmt"
	"regexp"

	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Transports.Add(registry.Kind[Transport]{
	Name: "kubectl",
	Doc: "Into a container of a pod, by the kubectl program and a context of its configuration. The identity is the UID of the namespace kube-system, " +
		"which is that of the cluster.",
	Example: "{name: east-db, region: east, address: 10.96.0.5, by: kubectl, with: {context: east, namespace: orders, pod: orders-db-0}}",
	New:     func() Transport { return &kubectlTransport{} },
})

type kubectlTransport struct{ with kubectlWith }

type kubectlWith struct {
	Context    string `yaml:"context" need:"yes" doc:"context of the configuration"`
	Namespace  string `yaml:"namespace" need:"yes" doc:"namespace of the pod"`
	Pod        string `yaml:"pod" need:"yes" doc:"name of the pod, or one of a set: deployment/orders"`
	Container  string `yaml:"container" doc:"container of the pod; its default if not written"`
	Kubeconfig string `yaml:"kubeconfig" doc:"path of the configuration; ~/.kube/config if not written"`
	Program    string `yaml:"program" doc:"path of the program; kubectl if not written"`
}

// Wrong implements target.Judge.
func (w kubectlWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	if key, wrong, hint = wrongPaths(map[string]string{"kubeconfig": w.Kubeconfig}); wrong != "" {
		return key, wrong, hint
	}
	return wrongWords(map[string]string{"context": w.Context, "namespace": w.Namespace, "pod": w.Pod, "container": w.Container}, w.Program)
}

// With implements registry.Parametrised.
func (k *kubectlTransport) With() any { return &k.with }

func (*kubectlTransport) IdentityForm() *regexp.Regexp { return uidForm }

var uidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (k *kubectlTransport) argv(words ...string) []string {
	argv := []string{"kubectl", "--context", k.with.Context}
	if k.with.Program != "" {
		argv[0] = k.with.Program
	}
	if k.with.Kubeconfig != "" {
		argv = append(argv, "--kubeconfig", k.with.Kubeconfig)
	}
	return append(argv, words...)
}

// Shell implements Transport.
func (k *kubectlTransport) Shell(_ target.Host, script string) []string {
	argv := k.argv("-n", k.with.Namespace, "exec", "-i", k.with.Pod)
	if k.with.Container != "" {
		argv = append(argv, "-c", k.with.Container)
	}
	return append(argv, "--", "/bin/sh", "-c", script)
}

// Identity asks the cluster.
func (k *kubectlTransport) Identity(ctx context.Context, _ target.Host) (string, error) {
	return identified(ctx, k, k.argv("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"))
}

// Explain implements Transport.
func (*kubectlTransport) Explain(complaint string) (why string, refused bool) {
	return explain(complaint, []meaning{
		{"(NotFound)", "there is no such pod, or no such namespace", true},
		{"(Forbidden)", "the account may not do that: its role needs get on namespaces and pods, and create on pods/exec", true},
		{"(Unauthorized)", "the cluster does not know the account", true},
		{"You must be logged in", "the cluster does not know the account", true},
		{"does not exist", "there is no such context", true},
		{"container not found", "there is no such container in the pod", true},
		{"executable file not found", "there is no /bin/sh in the container", true},
		{"no such file or directory", "there is no /bin/sh in the container", true},
		{"connection to the server", "no cluster answers", false},
		{"Unable to connect to the server", "no cluster answers", false},
	})
}

// Needs implements Transport.
func (k *kubectlTransport) Needs(target.Host) string {
	return fmt.Sprintf("by kubectl exec into %s of %s, context %s: a role with get on namespaces and pods, create on pods/exec; /bin/sh and timeout there",
		k.with.Pod, k.with.Namespace, k.with.Context)
}
