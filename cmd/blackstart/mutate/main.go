// Command mutate takes each check out of verify, one at a time, and demands that one attack then passes: a check that no attack
// needs is redundant or untested. The attacks are packs that the tests of package evidence write where BLACKSTART_ATTACKS says.
//
//	mutate -attacks DIR [-allow testdata/mutations.txt] [-run REGEXP]
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	attacks := flag.String("attacks", "", "`DIR` with attacks: NAME.zip and NAME.root.pem")
	allow := flag.String("allow", "testdata/mutations.txt", "`FILE` that names the checks of which no attack depends on one alone, and why")
	only := flag.String("run", "", "`REGEXP` on the mutation's name")
	flag.Parse()
	if err := run(context.Background(), *attacks, *allow, *only); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, attacks, allow, only string) error {
	packs, err := filepath.Glob(filepath.Join(attacks, "*.zip"))
	if err != nil || len(packs) == 0 {
		return fmt.Errorf("no attacks in %q: run the tests of ./evidence with BLACKSTART_ATTACKS=DIR first (%v)", attacks, err)
	}
	excused, err := readAllowed(allow)
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	mutants, err := findMutants("evidence", "evidence/seal", "evidence/pades")
	if err != nil {
		return err
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !pattern.MatchString(m.name) })
	if len(mutants) == 0 {
		return fmt.Errorf("no check of that name")
	}
	dir, err := os.MkdirTemp("", "blackstart-mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	honest, err := build(ctx, dir, mutant{})
	if err != nil {
		return err
	}
	found, err := failing(ctx, honest, packs)
	if err != nil {
		return err
	}
	fmt.Printf("%d attacks are refused by the tool as it is; %d checks are taken out, one at a time\n", len(found), len(mutants))
	return judge(ctx, dir, mutants, found, excused)
}

// judge builds the tool without each check, and looks for an attack that it accepts.
func judge(ctx context.Context, dir string, mutants []mutant, found map[string][]string, excused map[string]string) error {
	start, survived := time.Now(), 0
	for i, m := range mutants {
		passed, err := tryWithout(ctx, dir, m, found)
		if err != nil {
			return err
		}
		said := "an attack passes: " + strings.TrimSuffix(filepath.Base(passed), ".zip")
		if passed == "" {
			said = "NO ATTACK PASSES"
			if why, ok := excused[m.name]; ok {
				said = "no attack passes: " + why
			} else {
				survived++
			}
		}
		left := time.Since(start) / time.Duration(i+1) * time.Duration(len(mutants)-i-1)
		fmt.Printf("%3d/%d, %s left  %s\n      %s\n", i+1, len(mutants), left.Round(time.Second), m.name, said)
	}
	if survived > 0 {
		return fmt.Errorf("%d of %d checks can be taken out and every attack is still found: write an attack, or take the check out", survived, len(mutants))
	}
	fmt.Printf("each of %d checks is needed, or excused by name\n", len(mutants))
	return nil
}

// tryWithout builds the tool without one check and gives the first attack that it accepts. Only attacks that nothing else finds
// can pass; where there is none, nothing needs to be built.
func tryWithout(ctx context.Context, dir string, m mutant, found map[string][]string) (string, error) {
	var alone []string
	for pack, checks := range found {
		if !slices.ContainsFunc(checks, func(name string) bool { return !m.is(name) }) {
			alone = append(alone, pack)
		}
	}
	if len(alone) == 0 {
		return "", nil
	}
	slices.Sort(alone)
	bin, err := build(ctx, dir, m)
	if err != nil {
		return "", err
	}
	return firstAccepted(ctx, bin, alone)
}

// readAllowed reads lines of the form "mutation: why no attack depends on it alone".
func readAllowed(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string]string{}
	for in := bufio.NewScanner(f); in.Scan(); {
		line := strings.TrimSpace(in.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, why, ok := strings.Cut(line, " — ")
		if !ok {
			return nil, fmt.Errorf("%s: %q is not 'mutation — why'", path, line)
		}
		all[name] = why
	}
	return all, nil
}
