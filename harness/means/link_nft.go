package means

import (
	"fmt"
	"strconv"
	"strings"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/internal/registry"
)

var _ = Means.Add(registry.Kind[Kind]{
	Name: "link.nft",
	Doc: "Cuts a link on a host by nft: packets of TCP vanish by address and port, new and open connections alike, in the directions of the fault. The rules stand in a " +
		"table of their own, of both families, which one transaction makes and one takes away; the management path is exempt by rules before them. What this table drops " +
		"is dropped whatever the tables of the host accept, those of iptables too.",
	Example: "{name: cut-at-db, means: link.nft, on: [api-to-db], host: east-db, sudo: true, with: {where: input, keep: [10.9.0.0/24], keepPort: 22}}",
	New:     func() Kind { return &linkNft{} },
})

// linkNft is a table of our own, which packets pass before those that filter as usual.
type linkNft struct{ with filterWith }

// nftPriority is before that of filters, 0, and after addresses have been translated.
const nftPriority = -10

// With implements registry.Parametrised.
func (l *linkNft) With() any { return &l.with }

// Of implements Kind.
func (*linkNft) Of() Scope { return Links }

// Acts implements Kind.
func (*linkNft) Acts() []harness.ActionKind { return []harness.ActionKind{harness.LinkCut} }

// nftShell is what the scripts share: all is what nft says of our table, "" if there is none.
const nftShell = `LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export LC_ALL PATH
table=TABLE
ask() {
  printf '%s\n' "$@" | ROOTnft -f - && return
  code=$?; echo "nft fails for $(id -un) (exit code $code), which needs root, or sudo without a password for it" >&2; return 3
}
lines() { printf '%s\n' "$all" | grep -c -e "$1"; }
list() {
  all=$(ask 'list tables') || return 3
  if [ $(lines "^table inet $table\$") = 0 ]; then all=; else all=$(ask "list table inet $table") || return 3; fi
}
now() {
  list || return 3
  if [ -z "$all" ]; then echo free
  elif [ $(lines ' return$') = KEEP ] && [ $(lines ' drop$') = DROP ] && [ $(lines 'type filter hook') = HOOKS ] && [ $(lines 'jump rules$') = HOOKS ]; then echo cut
  else echo partly
  fi
}
`

// shell is what the scripts of a subject begin with.
func (*linkNft) shell(f filter, on Subject) string {
	keep, drop := f.of(false)
	keep6, drop6 := f.of(true)
	return strings.NewReplacer("TABLE", mark("bs_", on), "ROOT", on.Root(), "KEEP", strconv.Itoa(keep+keep6), "DROP", strconv.Itoa(drop+drop6),
		"HOOKS", strconv.Itoa(len(f.hooks))).Replace(nftShell)
}

// table are the lines that make the table.
func (*linkNft) table(f filter, on Subject) []string {
	lines := []string{"table inet " + mark("bs_", on) + " {", " chain rules {"}
	for _, r := range f.rules {
		lines = append(lines, "  "+r.nft())
	}
	lines = append(lines, " }")
	for _, hook := range f.hooks {
		lines = append(lines, " chain "+hook+" {", fmt.Sprintf("  type filter hook %s priority %d; policy accept;", hook, nftPriority), "  jump rules", " }")
	}
	return append(lines, "}")
}

// nft writes a rule for nft.
func (r rule) nft() string {
	family := "ip"
	if r.six {
		family = "ip6"
	}
	var text []string
	if r.from.IsValid() {
		text = append(text, family+" saddr "+r.from.String())
	}
	if r.to.IsValid() {
		text = append(text, family+" daddr "+r.to.String())
	}
	if r.sport > 0 {
		text = append(text, "tcp sport "+strconv.Itoa(r.sport))
	}
	if r.dport > 0 {
		text = append(text, "tcp dport "+strconv.Itoa(r.dport))
	}
	if r.keep {
		return strings.Join(append(text, "return"), " ")
	}
	return strings.Join(append(text, "counter drop"), " ")
}

// inQuotes writes words for a shell.
func inQuotes(words []string) string {
	all := make([]string, 0, len(words))
	for _, w := range words {
		all = append(all, lease.Quote(w))
	}
	return strings.Join(all, " ")
}

// Scripts implements Kind. A transaction that finds our table anew adds to it, so it is refused there where it is.
func (l *linkNft) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	f, err := l.with.filter(act, on)
	if err != nil {
		return lease.Scripts{}, fmt.Errorf("cut %s by link.nft: %w", on.Link.Name, err)
	}
	begin := l.shell(f, on)
	return lease.Scripts{
		State: begin + "now\n",
		Do: begin + "word=$(now) || exit\n" + `case $word in free) ;; cut) exit 0 ;; *) echo "a part of $table is there" >&2; exit 1 ;; esac` + "\n" +
			"ask " + inQuotes(l.table(f, on)) + "\n",
		Undo: begin + "list || exit\n[ -z \"$all\" ] || ask \"delete table inet $table\"\n",
		Free: []string{wordFree}, Ours: []string{wordCut, wordPartly}, Held: true, Most: mostSeconds,
	}, nil
}

// Counter implements Counting.
func (l *linkNft) Counter(act harness.Action, on Subject) string {
	f, err := l.with.filter(act, on)
	if err != nil {
		return ""
	}
	return l.shell(f, on) + "list || exit\nsum=0\n" +
		`for n in $(printf '%s\n' "$all" | sed -n 's/.* counter packets \([0-9]*\) bytes [0-9]* drop$/\1/p'); do sum=$((sum + n)); done` + "\necho $sum\n"
}

// Needs implements Kind. What is tried is the rules themselves, which nft checks and throws away.
func (l *linkNft) Needs(on Subject) Needs {
	n := Needs{Programs: withSudo(on, "nft", "grep", "sed"), Reboot: rebooted, Root: []string{"/usr/sbin/nft -f -", "/usr/sbin/nft -c -f -"},
		Ticket: "the table inet " + mark("bs_", on) + " for the time of the drill; no other table is changed"}
	f, err := l.with.filter(harness.Action{Kind: harness.LinkCut}, on)
	if err != nil {
		n.Try = "echo " + lease.Quote(err.Error()) + " >&2; exit 1\n"
		return n
	}
	n.Try = l.shell(f, on) + "command -v nft >/dev/null || { echo 'there is no nft' >&2; exit 1; }\nnow >/dev/null || exit\n" +
		"printf '%s\\n' " + inQuotes(l.table(f, on)) + " | " + on.Root() + "nft -c -f - || { echo \"nft refuses the rules, or does not run for $(id -un)\" >&2; exit 1; }\n"
	return n
}
