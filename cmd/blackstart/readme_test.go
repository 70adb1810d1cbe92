package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeCommandsExist holds every command that the README and the page of external targets show in a code block against the command line and the
// Makefile as they are: names, flags, number of arguments, make targets, scenario files.
func TestReadmeCommandsExist(t *testing.T) {
	var pages []byte
	for _, page := range []string{"README.md", "docs/external-targets.md"} {
		text, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, text...)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, c := range shownCommands(string(pages)) {
		count[c[0]]++
		if err := checkShown(c, string(makefile)); err != nil {
			t.Errorf("%s: %v", strings.Join(c, " "), err)
		}
	}
	if count["blackstart"] == 0 || count["make"] == 0 {
		t.Errorf("the pages show %d blackstart and %d make commands: nothing was checked", count["blackstart"], count["make"])
	}
}

// TestReadmeCheckerFinds shows that the check above can fail, and what it leaves alone.
func TestReadmeCheckerFinds(t *testing.T) {
	const page = "Use `blackstart prose`.\n" +
		"```sh\n$ cd x && bin/blackstart run scenarios/finrag/null.yaml \\\n    --out out   # comment: make tea\n" +
		"FUZZTIME=1s make -j2 rehearse N=3; ./bin/blackstart samples p.zip --stream edge | vegeta report\n  blackstart undo\n```\n" +
		"~~~\nmake\n~~~\nmake prose\n"
	var got []string
	for _, c := range shownCommands(page) {
		got = append(got, strings.Join(c, " "))
	}
	want := []string{"blackstart run scenarios/finrag/null.yaml --out out", "make -j2 rehearse N=3", "blackstart samples p.zip --stream edge", "blackstart undo", "make"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("found %q, want %q", got, want)
	}
	const makefile = "V := x\n.PHONY: help rehearse\nhelp: ## list\nrehearse: build ## go\n"
	for _, line := range append(want, "blackstart", "blackstart help run", "blackstart --version", "blackstart validate scenarios/finrag/*.yaml", "make help") {
		if err := checkShown(strings.Fields(line), makefile); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, line := range []string{"blackstart ran x.yaml", "blackstart run", "blackstart run a.yaml b.yaml", "blackstart run a.yaml --fast", "blackstart undo now",
		"blackstart run scenarios/finrag/nothing.yaml", "blackstart list fruit", "blackstart help ran", "make tea", "make V", "make help tea", "blackstart validate nowhere/finrag/*.yaml"} {
		if err := checkShown(strings.Fields(line), makefile); err == nil {
			t.Errorf("%s: nothing is said to be wrong with it", line)
		}
	}
}

var continued = regexp.MustCompile(`\\\n\s*`)

// shownCommands lists the blackstart and make commands of the fenced code blocks of a page, as words.
func shownCommands(page string) [][]string {
	var commands [][]string
	inside := false
	for line := range strings.Lines(continued.ReplaceAllString(page, "")) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") || strings.HasPrefix(line, "~~~") {
			inside = !inside
			continue
		}
		if !inside {
			continue
		}
		line, _, _ = strings.Cut(" "+strings.TrimPrefix(line, "$ "), " #")
		for _, part := range regexp.MustCompile(`&&|\|\||[|;]`).Split(line, -1) {
			words := strings.Fields(part)
			for len(words) > 0 && regexp.MustCompile(`^[A-Z_]+=`).MatchString(words[0]) {
				words = words[1:] // a variable for one command
			}
			if len(words) == 0 {
				continue
			}
			words[0] = strings.TrimPrefix(strings.TrimPrefix(words[0], "./"), "bin/")
			if words[0] == "blackstart" || words[0] == "make" {
				commands = append(commands, words)
			}
		}
	}
	return commands
}

func checkShown(words []string, makefile string) error {
	if words[0] == "make" {
		return checkMake(words[1:], makefile)
	}
	root := newRoot(io.Discard, io.Discard)
	cmd, args, err := root.Find(words[1:])
	if err != nil {
		return err
	}
	if cmd.Name() == "help" {
		if found, _, err := root.Find(args); err != nil || len(args) > 0 && found == root {
			return fmt.Errorf("there is no help about %v", args)
		}
		return nil
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	for i, a := range args {
		if a == ">" || a == "<" { // what follows is the shell's
			args = args[:i]
			break
		}
	}
	if err := cmd.ParseFlags(args); err != nil {
		return err
	}
	if help, _ := cmd.Flags().GetBool("help"); help {
		return nil
	}
	args = cmd.Flags().Args()
	if err := cmd.ValidateArgs(args); err != nil {
		return err
	}
	return checkArguments(cmd.Name(), args)
}

// checkArguments looks at the arguments that name something which must exist.
func checkArguments(command string, args []string) error {
	for _, a := range args {
		found, err := filepath.Glob(filepath.Join("../..", a))
		switch {
		case err != nil:
			return err
		case (strings.HasPrefix(a, "scenarios/") || strings.Contains(a, "*")) && len(found) == 0:
			return fmt.Errorf("%s does not exist", a)
		case command == "list" && lists[a] == nil:
			return fmt.Errorf("there is no list of %s", a)
		}
	}
	return nil
}

func checkMake(args []string, makefile string) error {
	for _, a := range args {
		if strings.HasPrefix(a, "-") || strings.Contains(a, "=") {
			continue
		}
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(a) + `:(\s|$)`).MatchString(makefile) {
			return fmt.Errorf("the Makefile has no target %s", a)
		}
	}
	return nil
}
