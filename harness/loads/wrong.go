package loads

import (
	"cmp"
	"errors"
	"regexp"
	"strings"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/loadgen/workloads"
)

// whereSecrets says where a secret of a request stands.
const whereSecrets = "write it in the target file: entry: {headers: [{name: …, secret: {file: /path}}]}"

// Wrong says what is wrong with the parameters of a load besides what their tags say: the key, what is wrong, and what to write
// instead; "" for nothing.
func Wrong(spec harness.LoadSpec) (key, wrong, hint string) {
	w, err := workloadOf(spec)
	if err != nil {
		return "", "", ""
	}
	if j, ok := w.(workloads.Judge); ok {
		if key, wrong, hint := j.Wrong(); wrong != "" {
			return key, wrong, hint
		}
	}
	for key, value := range spec.With {
		if what := secretIn(value); what != "" {
			return key, "holds " + what, whereSecrets
		}
	}
	return "", "", ""
}

// secretIn says what of a secret stands in a parameter, "" if nothing does.
func secretIn(value any) string {
	switch v := value.(type) {
	case string:
		return secret.Literal(v)
	case []any:
		for _, one := range v {
			if what := secretIn(one); what != "" {
				return what
			}
		}
	case map[string]any:
		if name, _ := v["name"].(string); v["value"] != nil && secret.NameOfOne(name) {
			return "the header " + name + ", which is a secret"
		}
		for _, one := range v {
			if what := secretIn(one); what != "" {
				return what
			}
		}
	}
	return ""
}

// headerOf finds the names of headers, in the http and in the JSON format of targets.
var headerOf = regexp.MustCompile(`^\s*([A-Za-z0-9_-]+)\s*:|"([A-Za-z0-9_-]+)"\s*:`)

// WrongBeside says what is wrong with the file that a load's parameters name: its line, what is wrong, and what to write instead; "" for
// nothing. It repeats no secret.
func WrongBeside(spec harness.LoadSpec) (line int, wrong, hint string) {
	for i, text := range strings.Split(string(spec.Beside), "\n") {
		for _, m := range headerOf.FindAllStringSubmatch(text, -1) {
			if name := cmp.Or(m[1], m[2]); secret.NameOfOne(name) {
				return i + 1, "holds the header " + name + ", which is a secret", whereSecrets
			}
		}
		if what := secret.Literal(text); what != "" {
			return i + 1, "holds " + what, whereSecrets
		}
	}
	own := spec
	own.Beside = nil
	w, err := workloadOf(own)
	b, ok := w.(workloads.Beside)
	if err != nil || !ok {
		return 0, "", ""
	}
	var bad *workloads.BesideError
	if errors.As(b.ReadBeside(spec.Beside), &bad) {
		return bad.Line, bad.Wrong, bad.Hint
	}
	return 0, "", ""
}

// Hosts are where the requests of a load lead that say so themselves, each as scheme://name:port.
func Hosts(spec harness.LoadSpec) []string {
	w, err := workloadOf(spec)
	h, ok := w.(interface{ Hosts() []string })
	if err != nil || !ok {
		return nil
	}
	return h.Hosts()
}
