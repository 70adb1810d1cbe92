package means

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"blackstart/harness"
	"blackstart/harness/lease"
)

// everyAct are the acts on a component.
var everyAct = []harness.ActionKind{harness.ComponentStop, harness.ComponentKill, harness.ComponentPause}

// nameForm is the form of a name that no program takes for an option.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:/@-]{0,252}$`)

// keyed is a parameter by its key.
type keyed struct{ key, text string }

// wrongNames finds a name that a program could take for something else. One that is not written is none.
func wrongNames(all ...keyed) (key, wrong, hint string) {
	for _, k := range all {
		if k.text != "" && !nameForm.MatchString(k.text) {
			return k.key, "is no name", "write letters, digits and _.:/@-, beginning with a letter, a digit or _"
		}
	}
	return "", "", ""
}

// wrongPaths finds a path that is not whole, or that does not print.
func wrongPaths(all ...keyed) (key, wrong, hint string) {
	for _, k := range all {
		if k.text != "" && (!path.IsAbs(k.text) || path.Clean(k.text) != k.text || !prints(k.text)) {
			return k.key, "is no whole path", "write the whole path of the file, without . and .. in it"
		}
	}
	return "", "", ""
}

// wrongArgv finds what is no program with its arguments. None is none.
func wrongArgv(key string, argv []string) (string, string, string) {
	switch {
	case len(argv) == 0:
	case !path.IsAbs(argv[0]):
		return key, "does not begin with a whole path", "write the whole path of the program, then its arguments: [/usr/bin/program, argument]"
	case slices.ContainsFunc(argv, func(w string) bool { return !prints(w) }):
		return key, "holds a character that does not print", "write it in a script, and name that"
	}
	return "", "", ""
}

func prints(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// firstWrong gives the first of several judgements that says something.
func firstWrong(all ...func() (key, wrong, hint string)) (key, wrong, hint string) {
	for _, judge := range all {
		if key, wrong, hint = judge(); wrong != "" {
			return key, wrong, hint
		}
	}
	return "", "", ""
}

// tryPrelude is what a Try says no with.
const tryPrelude = "fail() { echo \"$*\" >&2; exit 1; }\n"

// programsThere is the part of a Try that finds programs.
func programsThere(programs []string) string {
	return "for p in " + quoted(programs) + "; do command -v \"$p\" >/dev/null || fail \"there is no program $p\"; done\n"
}

// mayRun is the part of a Try that finds out whether sudo lets the account run a command, without running it.
func mayRun(on Subject, user string, argv ...string) string {
	if !on.Sudo {
		return ""
	}
	as := "root"
	if user != "" {
		as = user
	}
	return fmt.Sprintf("sudo -n -l -u %s %s >/dev/null 2>&1 || fail %s\n", lease.Quote(as), quoted(argv),
		lease.Quote("sudo does not let the account run "+strings.Join(argv, " ")+" as "+as+" without a password"))
}

// sudoers writes a command as sudoers has it: a program without a whole path is looked for in /usr/bin, and an argument may mean nothing else.
func sudoers(argv ...string) string {
	all := make([]string, len(argv))
	for i, w := range argv {
		all[i] = sudoersWord.ReplaceAllString(w, `\$0`)
	}
	if !path.IsAbs(all[0]) {
		all[0] = "/usr/bin/" + all[0]
	}
	return strings.Join(all, " ")
}

var sudoersWord = regexp.MustCompile(`[ ,:=\\*?\[\]!#"]`)
