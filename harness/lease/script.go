package lease

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed lease.sh
var script string

// Programs lists what the script needs on the path of the executor.
func Programs() []string {
	_, rest, _ := strings.Cut(script, "\nprograms=\"")
	list, _, _ := strings.Cut(rest, "\"\n")
	return strings.Fields(list)
}

// Try is POSIX sh that ends with 0 if a lease of the target can be kept on the executor. It leaves nothing there; else the last line that it
// complains of is what is missing.
func Try(target string) string { return "set -- " + Quote(target) + " try\n" + script }

// Directory is where the lease of a target is on the executor, as POSIX sh writes it.
func Directory(target string) string { return "/var/tmp/blackstart-$(id -u)/" + target }

// Abort is the text by which people take everything back on the executor, with what is on it and without us: by the script that lies there,
// or else by commands to paste. The entries are in the order in which they are done.
func Abort(target, run string, entries []Entry) string {
	var b strings.Builder
	dir := Directory(target)
	fmt.Fprintf(&b, "As the account that the drill uses there. Where the drill has armed its lease, this ends the run, and takes back what no guard holds:\n\n```sh\nsh %s/lease.sh abort\n```\n\n", dir)
	fmt.Fprintf(&b, "Where that file is not there, or fails: first nothing more is done,\n\n```sh\nd=%s; rm -f \"$d/open\"; mkdir -p \"$d/over\"; true >\"$d/over/%s\"\n```\n\nthen, in this order:\n", dir, run)
	for i, e := range slices.Backward(entries) {
		fmt.Fprintf(&b, "\n%d. `%s`\n", len(entries)-i, e.ID)
		if e.Guard != "" {
			fmt.Fprintf(&b, "\nFirst ask whether it may be undone. Go on only if this says yes:\n\n```sh\n( # guard of %s\n%s\n) && echo yes || echo no\n```\n", e.ID, strings.TrimRight(e.Guard, "\n"))
		}
		if e.Hold != "" {
			fmt.Fprintf(&b, "\n%s\n", e.Hold)
		}
		fmt.Fprintf(&b, "\n```sh\nis=$( # %s\n%s\n)\ncase \" %s \" in\n*\" $is \"*)\n( # undo of %s\n%s\n) ;;\n*) echo \"%s is $is: left alone\" ;;\nesac\n```\n",
			e.ID, strings.TrimRight(e.State, "\n"), strings.Join(e.Ours, " "), e.ID, strings.TrimRight(e.Scripts.Undo, "\n"), e.ID)
	}
	return b.String()
}

// quote writes a word for POSIX sh.
// Quote writes a word for POSIX sh.
func Quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
