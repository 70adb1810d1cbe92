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
	Name: "link.iptables",
	Doc: "Cuts a link on a host by iptables, and ip6tables where its addresses are such: packets of TCP vanish by address and port, new and open connections alike, " +
		"in the directions of the fault. The rules stand in a chain of their own, which is jumped to last and from the top, in one step of the kernel; the management path " +
		"is exempt by rules before them. An undo removes the jump and this chain, and touches nothing else. Where the host has two firewalls (nf_tables and legacy), " +
		"a packet passes both: what either drops is dropped, and both are looked at.",
	Example: "{name: cut-on-router, means: link.iptables, on: [api-to-db], host: router, sudo: true, with: {where: forward, from: [10.1.0.0/24], keep: [10.9.0.0/24]}}",
	New:     func() Kind { return &linkIptables{} },
})

// linkIptables is a chain of our own in the table that packets pass last.
//
//	-A FORWARD -j BS-…      -A BS-… -s 10.9.0.0/24 -j RETURN      -A BS-… -s 10.1.0.5/32 -d 10.2.0.5/32 -p tcp -m tcp --dport 5432 -j DROP
type linkIptables struct{ with filterWith }

// With implements registry.Parametrised.
func (l *linkIptables) With() any { return &l.with }

// Of implements Kind.
func (*linkIptables) Of() Scope { return Links }

// Acts implements Kind.
func (*linkIptables) Acts() []harness.ActionKind { return []harness.ActionKind{harness.LinkCut} }

// families are the programs, by whether it is IPv6.
var families = map[bool]string{false: "iptables", true: "ip6tables"}

// iptablesShell is what the scripts share. Each program may be there three times: as it is called by everybody, and by each of the two
// firewalls that the kernel may have at once. What was done by one is found and undone whichever of them is the one in use by then.
//
//	state PROGRAM KEEP DROP HOOK…  prints how one family is; in part, too, where a rule of somebody else has come to stand before the jump
//	undo PROGRAM                   takes our chain away, with every jump to it
const iptablesShell = `LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export LC_ALL PATH
chain=CHAIN
variants() { for v in $1 $1-nft $1-legacy; do if command -v $v-save >/dev/null; then echo $v; fi; done; }
save() {
  ROOT"$@" && return
  code=$?; echo "$1 fails for $(id -un) (exit code $code), which needs root, or sudo without a password for it" >&2; return 3
}
lines() { printf '%s\n' "$all" | grep -c -e "$1"; }
first() { printf '%s\n' "$all" | sed -n "/^-A $hook /{/ -j $chain\$/{p;q;};/ -j BS-[0-9a-f]*\$/d;p;q;}"; }
state() {
  family=$1 keep=$2 drop=$3; shift 3
  word=free legacy=0 nft=0
  for v in $(variants $family); do
    all=$(save $v-save) || return 3
    case $v in *-nft) nft=$(lines '^-A') ;; *-legacy) legacy=$(lines '^-A') ;; esac
    [ $word = cut ] || [ $(lines "^:$chain ") = 0 ] && continue
    word=partly
    [ $(lines "^-A $chain .*-j RETURN\$") = $keep ] && [ $(lines "^-A $chain .*-j DROP\$") = $drop ] || continue
    for hook in "$@"; do [ "$(first)" = "-A $hook -j $chain" ] || continue 2; done
    word=cut
  done
  [ $nft = 0 ] || [ $legacy = 0 ] || echo "two firewalls hold rules: $nft of $family in nf_tables, $legacy in legacy. A packet passes both, and what either drops is dropped. $($family -V | sed 's/^[^(]*$/& (legacy)/') is the one in use here" >&2
  echo $word
}
undo() {
  failed=0
  for v in $(variants $1); do
    all=$(save $v-save) || { failed=1; continue; }
    [ $(lines "^:$chain ") != 0 ] || continue
    { echo '*filter'; printf '%s\n' "$all" | sed -n "s/^-A \(.* -j $chain\)\$/-D \1/p"; printf '%s\n' "-F $chain" "-X $chain" COMMIT; } | ROOT$v-restore -w WAIT --noflush || failed=1
  done
  return $failed
}
`

// shell is what the scripts of a subject begin with.
func (*linkIptables) shell(on Subject) string {
	return strings.NewReplacer("CHAIN", mark("BS-", on), "ROOT", on.Root(), "WAIT", strconv.Itoa(lockWait)).Replace(iptablesShell)
}

// each calls a shell function for each family that has rules, and joins what it does there by a word of the shell.
func (f filter) each(call func(program string, keep, drop int) string, join string) string {
	var all []string
	for _, six := range []bool{false, true} {
		if keep, drop := f.of(six); drop > 0 {
			all = append(all, call(families[six], keep, drop))
		}
	}
	return strings.Join(all, join)
}

// state is the script that prints the one word that all families are in.
func (l *linkIptables) state(f filter) string {
	words := f.each(func(program string, keep, drop int) string {
		return fmt.Sprintf("state %s %d %d %s", program, keep, drop, strings.ToUpper(strings.Join(f.hooks, " ")))
	}, " && ")
	return "now() { words=$(" + words + ") || return; set -- $words; word=$1; for w; do [ $w = $word ] || word=partly; done; echo $word; }\n"
}

// rulesOf are the rules of a family as iptables-restore reads them: all of them or none, the jump last.
func (l *linkIptables) rulesOf(f filter, six bool, chain string) []string {
	lines := []string{"*filter", ":" + chain + " - [0:0]"}
	for _, r := range f.rules {
		if r.six == six {
			lines = append(lines, "-A "+chain+r.iptables())
		}
	}
	for _, hook := range f.hooks {
		lines = append(lines, "-I "+strings.ToUpper(hook)+" 1 -j "+chain)
	}
	return append(lines, "COMMIT")
}

// iptables writes a rule for iptables.
func (r rule) iptables() string {
	text := ""
	if r.from.IsValid() {
		text += " -s " + r.from.String()
	}
	if r.to.IsValid() {
		text += " -d " + r.to.String()
	}
	if r.sport+r.dport > 0 {
		text += " -p tcp -m tcp"
	}
	if r.sport > 0 {
		text += " --sport " + strconv.Itoa(r.sport)
	}
	if r.dport > 0 {
		text += " --dport " + strconv.Itoa(r.dport)
	}
	if r.keep {
		return text + " -j RETURN"
	}
	return text + " -j DROP"
}

// restore feeds the rules of a family to iptables-restore.
func (l *linkIptables) restore(f filter, on Subject, options string) string {
	return f.each(func(program string, _, _ int) string {
		words := []string{"printf", lease.Quote(`%s\n`)}
		for _, line := range l.rulesOf(f, program == families[true], mark("BS-", on)) {
			words = append(words, lease.Quote(line))
		}
		return fmt.Sprintf("%s | %s%s-restore -w %d --noflush%s", strings.Join(words, " "), on.Root(), program, lockWait, options)
	}, " && ")
}

// Scripts implements Kind.
func (l *linkIptables) Scripts(act harness.Action, on Subject) (lease.Scripts, error) {
	f, err := l.with.filter(act, on)
	if err != nil {
		return lease.Scripts{}, fmt.Errorf("cut %s by link.iptables: %w", on.Link.Name, err)
	}
	begin := l.shell(on) + l.state(f)
	undo := f.each(func(program string, _, _ int) string { return "undo " + program + " || whole=no" }, "; ")
	return lease.Scripts{
		State: begin + "now\n",
		Do: begin + "word=$(now) || exit\n" + `case $word in free) ;; cut) exit 0 ;; *) echo "a part of $chain is there" >&2; exit 1 ;; esac` + "\n" +
			l.restore(f, on, "") + " && exit\n" + "echo \"the rules were refused, and none of them is kept\" >&2; " + undo + "; exit 1\n",
		Undo: begin + "whole=yes; " + undo + "; [ $whole = yes ] && [ \"$(now)\" = free ]\n",
		Free: []string{wordFree}, Ours: []string{wordCut, wordPartly}, Held: true, Most: mostSeconds,
	}, nil
}

// Counter implements Counting. Where a program goes by two names it is asked once: the first that has our chain.
func (l *linkIptables) Counter(act harness.Action, on Subject) string {
	f, err := l.with.filter(act, on)
	if err != nil {
		return ""
	}
	return l.shell(on) + "sum=0\n" + f.each(func(program string, _, _ int) string {
		return "for v in $(variants " + program + "); do\n  all=$(save $v-save -c) || exit\n" +
			"  [ $(lines \"^:$chain \") != 0 ] || continue\n" +
			`  for n in $(printf '%s\n' "$all" | sed -n "s/^\[\([0-9]*\):[0-9]*\] -A $chain .*-j DROP\$/\1/p"); do sum=$((sum + n)); done` +
			"\n  break\ndone"
	}, "\n") + "\necho $sum\n"
}

// Needs implements Kind. What is tried is the rules themselves, which are read and thrown away; a legacy firewall that has no such table
// yet would make one for that, and is not asked.
func (l *linkIptables) Needs(on Subject) Needs {
	n := Needs{Programs: withSudo(on, "grep", "sed"), Reboot: rebooted, Ticket: "the chain " + mark("BS-", on) +
		" in the table filter for the time of the drill, and a jump to it; no other rule is changed or removed"}
	f, err := l.with.filter(harness.Action{Kind: harness.LinkCut}, on)
	if err != nil {
		n.Try = "echo " + lease.Quote(err.Error()) + " >&2; exit 1\n"
		return n
	}
	n.Try = l.shell(on) + l.state(f)
	f.each(func(program string, _, _ int) string {
		n.Programs = append(n.Programs, program, program+"-save", program+"-restore")
		for _, v := range []string{program, program + "-nft", program + "-legacy"} {
			restore := fmt.Sprintf("/usr/sbin/%s-restore -w %d --noflush", v, lockWait)
			n.Root = append(n.Root, "/usr/sbin/"+v+`-save ""`, "/usr/sbin/"+v+"-save -c", restore, restore+" --test")
		}
		n.Try += "command -v " + program + "-save " + program + "-restore >/dev/null || { echo 'there is no " + program + "' >&2; exit 1; }\n"
		return ""
	}, "")
	n.Try += "now >/dev/null || exit\n"
	for _, six := range []bool{false, true} {
		one := f.family(six)
		if test := l.restore(one, on, " --test"); test != "" {
			n.Try += "all=$(save " + families[six] + "-save) || exit\n" +
				"case $(" + families[six] + " -V) in *nf_tables*) tables=1 ;; *) tables=$(lines '^[*]filter') ;; esac\n" +
				"[ $tables = 0 ] || { " + test + "; } || { echo \"" + families[six] + "-restore refuses the rules, or does not run for $(id -un)\" >&2; exit 1; }\n"
		}
	}
	return n
}

// family is the part of a filter that is of one family.
func (f filter) family(six bool) filter {
	one := filter{hooks: f.hooks}
	for _, r := range f.rules {
		if r.six == six {
			one.rules = append(one.rules, r)
		}
	}
	return one
}
