package means_test

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"blackstart/harness"
	"blackstart/harness/means"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

// linkKinds are the means of links.
func linkKinds() (all []registry.Kind[means.Kind]) {
	for _, k := range means.Means.All() {
		if k.New().Of() == means.Links {
			all = append(all, k)
		}
	}
	return all
}

// TestWhatALinkMeansRefuses goes through the parameters that no tag judges.
func TestWhatALinkMeansRefuses(t *testing.T) {
	file := &target.Target{Links: []target.Link{{Name: "api-to-db"}, {Name: "db-to-queue"}}}
	filter := func(with map[string]any) map[string]any {
		all := map[string]any{"where": "input", "keep": list("10.9.0.0/24")}
		for k, v := range with {
			all[k] = v
		}
		return all
	}
	plug := func(key string, v any) map[string]any {
		all := map[string]any{"network": "orders", "container": "orders-db-1", "ip": "172.30.0.5", "aliases": list("db"), "links": list("api-to-db", "db-to-queue")}
		all[key] = v
		return all
	}
	policy := func(key string, v any) map[string]any {
		all := map[string]any{"context": "east", "namespace": "orders", "selector": "app=orders-db", "links": list("api-to-db")}
		all[key] = v
		return all
	}
	for _, c := range []struct {
		kind string
		with map[string]any
		key  string
	}{
		{"link.iptables", filter(nil), ""}, {"link.nft", filter(nil), ""}, {"link.nft", filter(map[string]any{"where": "forward", "keep": list()}), ""},
		{"link.iptables", filter(map[string]any{"from": list("west.api")}), "from"}, {"link.iptables", filter(map[string]any{"to": list("10.1.0.5/24")}), "to"},
		{"link.iptables", filter(map[string]any{"from": list("0.0.0.0/0")}), "from"}, {"link.nft", filter(map[string]any{"keep": list("::/0")}), "keep"},
		{"link.nft", filter(map[string]any{"keep": list()}), "keep"}, {"link.iptables", filter(map[string]any{"from": list("fe80::1%eth0")}), "from"},
		{"link.nft", filter(map[string]any{"where": "forward", "keep": list(), "keepPort": float64(22)}), "keepPort"},
		{"network.docker", plug("ip", "172.30.0.5"), ""}, {"network.docker", plug("ip", "fd00::5"), "ip"}, {"network.docker", plug("ip6", "172.30.0.5"), "ip6"},
		{"network.docker", plug("aliases", list("--help")), "aliases"}, {"network.docker", plug("container", "-v"), "container"}, {"network.docker", plug("network", "a b"), "network"},
		{"network.docker", plug("program", "docker"), "program"}, {"network.docker", plug("links", list("api-to-db", "api-to-db")), "links"}, {"network.docker", plug("links", list("nothing")), "links"},
		{"kubernetes.networkpolicy", policy("namespace", "orders"), ""}, {"kubernetes.networkpolicy", policy("selector", "app"), "selector"},
		{"kubernetes.networkpolicy", policy("selector", "app in (a)"), "selector"}, {"kubernetes.networkpolicy", policy("kubeconfig", "~/.kube/config"), "kubeconfig"},
	} {
		with := kindOf(t, c.kind, c.with).(registry.Parametrised).With().(target.Judge)
		if key, wrong, hint := with.Wrong(file, false); key != c.key || (key == "") != (wrong == "") || (key == "") != (hint == "") {
			t.Errorf("%s %v: %q %s; %s, want %q", c.kind, c.with, key, wrong, hint, c.key)
		}
	}
}

// TestWhatCannotBeCut: an act that the means could not carry out as it is meant builds no scripts.
func TestWhatCannotBeCut(t *testing.T) {
	forward := map[string]any{"where": "forward"}
	plug := map[string]any{"network": "orders", "container": "orders-db-1", "ip": "172.30.0.5", "links": list("api-to-db", "db-to-queue")}
	named, nowhere, other := subject("west.example", "east.example"), subject(clientAt, serverAt), subject(clientAt, serverAt)
	nowhere.Component.Region = ""
	other.Link.Name = "another"
	for _, c := range []struct {
		kind string
		with map[string]any
		act  harness.Action
		on   means.Subject
		want string
	}{
		{"link.iptables", forward, harness.Action{Kind: harness.ComponentStop}, subject(clientAt, serverAt), "a link can be cut, and not component.stop"},
		{"link.iptables", forward, cutting("sideways", "east"), subject(clientAt, serverAt), `direction "sideways" is not known`},
		{"link.nft", forward, cutting(harness.In, "east"), nowhere, "its ends are in none that is known"},
		{"link.nft", forward, cutting(harness.Both, "east"), named, `"west.example" is a name, and packets have addresses: write its from: at the means`},
		{"link.nft", forward, cutting(harness.Both, "east"), subject(clientAt, "east.example"), "write its to: at the means"},
		{"link.iptables", forward, cutting(harness.Both, "east"), subject(clientAt6, serverAt), "addresses of one family"},
		{"link.iptables", map[string]any{"where": "input", "keep": list("10.77.0.0/16")}, cutting(harness.Both, "east"), subject(clientAt, serverAt), "would keep what is to be cut"},
		{"link.nft", map[string]any{"where": "input", "keep": list(serverAt), "keepPort": float64(5432)}, cutting(harness.Both, "east"), subject("", serverAt), "would keep what is to be cut"},
		{"network.docker", plug, cutting(harness.Both, "east"), subject("", serverAt), "the fault does not name db-to-queue"},
		{"network.docker", plug, harness.Action{Kind: harness.LinkCut, Direction: harness.In, Region: "east", Links: []string{"api-to-db", "db-to-queue"}}, subject("", serverAt), "both ways at once, and not in alone"},
		{"network.docker", plug, cutting(harness.Both, "east"), other, "link another is none of the links of this means"},
	} {
		k := kindOf(t, c.kind, c.with)
		if _, err := k.Scripts(c.act, c.on); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %s", c.kind, c.with, err, c.want)
		}
		if n, ok := k.(means.Counting); ok && n.Counter(c.act, c.on) != "" {
			t.Errorf("%s %v: it counts what it does not cut", c.kind, c.with)
		}
	}
	w := &wires{t: t}
	if e := w.sh("", kindOf(t, "link.nft", forward).Needs(named).Try); e.code == 0 || !strings.Contains(e.complain, "is a name") {
		t.Errorf("%+v", e)
	}
}

// TestEveryLinkMeansSaysWhatItIs: its file is its kind, its example names it, and nothing of another run or link is its own.
func TestEveryLinkMeansSaysWhatItIs(t *testing.T) {
	if len(linkKinds()) < 4 {
		t.Fatal("means of links are missing")
	}
	file := &target.Target{Links: []target.Link{{Name: "api-to-db"}}}
	for _, k := range linkKinds() {
		var m target.Means
		d := yaml.NewDecoder(strings.NewReader(k.Example))
		if d.KnownFields(true); d.Decode(&m) != nil || m.Means != k.Name || len(m.On) == 0 || m.Host == "" {
			t.Errorf("the example of %s: %+v", k.Name, m)
		}
		for key, v := range m.With {
			if n, ok := v.(int); ok {
				m.With[key] = float64(n) // as files are read
			}
		}
		if key, wrong, _ := kindOf(t, k.Name, m.With).(registry.Parametrised).With().(target.Judge).Wrong(file, false); wrong != "" {
			t.Errorf("the example of %s: %s %s", k.Name, key, wrong)
		}
		if k.Doc == "" || !strings.Contains(k.Example, "means: "+k.Name) || len(k.New().Acts()) != 1 || k.New().Acts()[0] != harness.LinkCut {
			t.Errorf("%s: %s", k.Name, k.Example)
		}
	}
	k, seen := kindOf(t, "link.iptables", map[string]any{"where": "forward"}), map[string]bool{}
	for _, on := range []means.Subject{{Run: "a", Link: target.Link{Name: "x"}}, {Run: "b", Link: target.Link{Name: "x"}}, {Run: "a", Link: target.Link{Name: "y"}}, {Run: "ax", Link: target.Link{}}} {
		on.Address, on.From = serverAt+":1", clientAt
		s := scriptsOf(t, k, harness.Action{Kind: harness.LinkCut, Direction: harness.Both}, on)
		chain := strings.Fields(s.Do[strings.Index(s.Do, "chain=")+len("chain="):])[0]
		if seen[chain] || len(chain) > 28 || !strings.HasPrefix(chain, "BS-") {
			t.Errorf("%+v: %s", on, chain)
		}
		seen[chain] = true
	}
}
