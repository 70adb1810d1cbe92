package secret

import (
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Reference says where a secret is: one of the three, and never what it is.
type Reference struct {
	Env  string   `yaml:"env" doc:"name of a variable of the environment; outside a rehearsal only for what no undo needs, because it is gone with the process"`
	File string   `yaml:"file" doc:"absolute path of a file that holds the secret and nothing else; one line feed at its end does not count"`
	Exec []string `yaml:"exec" doc:"a program and its arguments, run here without a shell in an environment of PATH and HOME alone; what it prints is the secret"`
}

// Write is how a reference is written.
const Write = "write where it is, not what it is: {file: /path}, {exec: [program, argument]} or {env: NAME}"

var variable = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,63}$`)

// Check says what is wrong with a reference, and what to write instead. It repeats nothing of it: somebody may have written the
// secret itself.
func (r Reference) Check() (wrong, hint string) {
	written := 0
	for _, is := range []bool{r.Env != "", r.File != "", len(r.Exec) > 0} {
		if is {
			written++
		}
	}
	switch {
	case written != 1:
		return fmt.Sprintf("names %d places, not one", written), Write
	case len(r.Exec) > 0 && slices.Contains([]string{"echo", "printf"}, filepath.Base(r.Exec[0])):
		return "names a program that prints what is written here", "write one that fetches the secret, such as {exec: [vault, read, orders]}"
	case r.Env != "" && !variable.MatchString(r.Env):
		return "names no variable", "write the name of a variable, in capitals, such as {env: ORDERS_PASSWORD}"
	case r.File != "" && (!filepath.IsAbs(r.File) || filepath.Clean(r.File) != r.File):
		return "names no absolute path", "write the whole path of the file, such as {file: /run/secrets/orders}"
	}
	return "", ""
}

// String says where the secret is.
func (r Reference) String() string {
	switch {
	case r.Env != "":
		return "env " + r.Env
	case r.File != "":
		return "file " + r.File
	case len(r.Exec) > 0:
		return "exec " + r.Exec[0]
	}
	return "nowhere"
}

// Named is a reference with the keys that lead to it.
type Named struct {
	Keys string // "password", "tls.key", "headers.1.secret"
	Reference
}

// In finds every reference in a struct, by the keys of its yaml tags, in the order of its fields. It takes values and pointers.
func In(v any) []Named {
	var all []Named
	collect(reflect.ValueOf(v), nil, &all)
	return all
}

func collect(v reflect.Value, keys []string, all *[]Named) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			collect(v.Elem(), keys, all)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), append(keys, fmt.Sprint(i+1)), all)
		}
	case reflect.Struct:
		if r, ok := v.Interface().(Reference); ok {
			*all = append(*all, Named{strings.Join(keys, "."), r})
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				collect(v.Field(i), append(keys, f.Tag.Get("yaml")), all)
			}
		}
	}
}
