package target

import (
	_ "embed" // of the file to begin with
	"fmt"
	"io"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/internal/jsonpointer"
	"blackstart/internal/strictyaml"
)

// Reader reads target files. Components, Calls, Probes and Channels are the kinds that exist, each with the zero value of its parameters.
type Reader struct {
	Components, Calls, Probes, Channels, Transports, Means map[string]any
	Traits                                                 map[string]Traits         // of the kinds of component
	MeansTraits                                            map[string]MeansTraits    // of the kinds of means
	HostIdentity                                           map[string]*regexp.Regexp // form of the identity of a host, by its transport
	Probe                                                  ProbeRules
	Alerts                                                 map[string]AlertTraits // of the kinds of channel
	Here                                                   func(netip.Addr) error // why an address is not shown to be on this machine; nil: only loopback is
}

// perLoad says where a limit of loads stands.
const perLoad = "write it under loads:, it bounds each load"

// inLimits says where an allowance is bounded.
const inLimits = "write it under limits.loads, where it bounds each load"

// later says what to write in place of what does not exist yet.
const later = "leave it out: it is not supported yet"

func (r Reader) format() *strictyaml.Format {
	return &strictyaml.Format{
		Noun: "target", Empty: "write a target: `blackstart target init` prints one to begin with", Begin: "begin with `apiVersion: " + APIVersion + "`",
		Top: reflect.TypeFor[Target](), Alone: true, Other: otherFile,
		Forms: map[reflect.Type]strictyaml.Form{reflect.TypeFor[harness.Duration](): {
			Name: "duration", Example: "`250ms`, `10s`", Pattern: `^(0|[1-9][0-9]*)(\.[0-9]+)?(ns|us|µs|ms|s|m|h)([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$`,
		}, reflect.TypeFor[harness.Rate](): {Name: "rate", Example: "`50/s`", Pattern: `^(0|[1-9][0-9]{0,6})/(ms|s|m|h)$`}, reflect.TypeFor[harness.Size](): {Name: "size", Example: "`10MB`", Pattern: `^([1-9][0-9]{0,5})(B|kB|MB|GB|KiB|MiB|GiB)$`}, reflect.TypeFor[jsonpointer.Pointer](): {Name: "JSON pointer", Example: "`/alerts/0/status`", Pattern: jsonpointer.Pattern}},
		Singular: map[string]string{"regions": "region", "hosts": "host", "components": "component", "links": "link", "allows": "allowance",
			"calls": "call", "probes": "probe", "headers": "header", "holidays": "holiday", "days": "day", "alerts": "alert", "announce": "announcement", "standDown": "announcement", "means": "means"},
		Prose:   []string{"owner", "service", "plan"},
		Instead: map[reflect.Type]string{reflect.TypeFor[secret.Reference](): secret.Write},
		Gone: map[reflect.Type]map[string]string{
			reflect.TypeFor[Target](): {"channels": later, "extends": later},
			reflect.TypeFor[Limits](): {"rate": perLoad, "rows": perLoad, "bytes": perLoad, "pace": later},
			reflect.TypeFor[Allow]():  {"channel": later, "statusPage": later, "rows": inLimits, "bytes": inLimits},
			reflect.TypeFor[Host]():   {"ssh": "write by: ssh", "hostKey": "write identity:, the fingerprint that check prints"},
			reflect.TypeFor[Clocks](): {"hosts": later},
		},
		Kinds: map[string]map[string]any{"components": r.Components, "calls": r.Calls, "probes": r.Probes, "alerts": r.Channels, "hosts": r.Transports, "means": r.Means},
	}
}

// otherFile knows a scenario.
func otherFile(top *strictyaml.Node) (is, hint string) {
	if top.Get("kind") == nil && (top.Get("faults") != nil || top.Get("extends") != nil) {
		return "a scenario", "blackstart validate reads it; name a target file here"
	}
	return "", ""
}

// Schema is the JSON Schema (2020-12) of a target file, for editors. A file that it refuses is refused by the reader, too.
func (r Reader) Schema() []byte {
	return r.format().Schema("Blackstart target", "A running system, described. See external-targets.md.")
}

// Load reads the file at path, and gives its bytes, too. What is wrong with it comes as strictyaml.Problems; other errors mean that it
// could not be read.
func (r Reader) Load(path string) (*Target, []byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe that nobody writes to is not waited for
	if err != nil {
		return nil, nil, fmt.Errorf("read target: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	data, err := io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read target %s: %w", path, err)
	}
	t, err := r.Parse(path, data)
	return t, data, err
}

// Parse reads a target from data; name stands in problems. Errors are always strictyaml.Problems, and repeat no secret that
// somebody wrote where a reference is meant.
func (r Reader) Parse(name string, data []byte) (*Target, error) {
	out := strictyaml.NewCollector(name)
	t := r.parse(name, data, out)
	err := out.Err()
	if err == nil {
		return t, nil
	}
	problems := err.(strictyaml.Problems) //nolint:errorlint,forcetypeassert // Err gives nothing else
	var hide []string
	for _, w := range secret.Written(string(data)) {
		hide = append(hide, w, secret.Redacted)
	}
	hidden := strings.NewReplacer(hide...)
	for i := range problems {
		problems[i].Message, problems[i].Hint = hidden.Replace(problems[i].Message), hidden.Replace(problems[i].Hint)
	}
	return nil, problems
}

func (r Reader) parse(name string, data []byte, out *strictyaml.Collector) *Target {
	format := r.format()
	root := format.Parse(name, data, out)
	if root == nil {
		return nil
	}
	t := &Target{here: r.Here}
	d := &strictyaml.Decoder{Format: format, Out: out, Bad: map[*strictyaml.Node]bool{}}
	d.Decode(root, t)
	literals(root, false, out)
	if out.Err() == nil { // rules speak of what could be read
		(&rules{t, root, r, out}).all()
	}
	return t
}

// literals reports every value in a tree that is, or holds, a secret. It repeats none.
func literals(n *strictyaml.Node, reference bool, out *strictyaml.Collector) {
	switch n.Kind {
	case strictyaml.Scalar:
		if what := secret.Literal(n.Text); what != "" && !reference {
			out.Add(n.Pos, secret.Write, "this value holds %s", what)
		}
	case strictyaml.List:
		var argv []string
		for _, item := range n.Items {
			argv = append(argv, item.Text)
		}
		if what := secret.Command(argv); what != "" {
			out.Add(n.Pos, secret.Write, "this list holds %s", what)
		}
		for _, item := range n.Items {
			literals(item, reference, out)
		}
	case strictyaml.Mapping:
		header := n.Get("name")
		for _, e := range n.Entries {
			scalar := e.Value.Kind == strictyaml.Scalar && !e.Value.Null()
			switch {
			case scalar && secret.NameOfOne(e.Key) && !reference:
				out.Add(e.Pos, secret.Write, "%s is a secret, and is written here", e.Key)
			case scalar && e.Key == "value" && header != nil && secret.NameOfOne(header.Text):
				out.Add(e.Pos, "write `secret:` in place of `value:`, and where it is: {file: /path}", "the header %s is a secret, and is written here", header.Text)
			default:
				literals(e.Value, slices.Contains([]string{"file", "env"}, e.Key), out)
			}
		}
	}
}

// Start is a commented file to begin with. It can be read as it is.
//
//go:embed start.yaml
var Start []byte
