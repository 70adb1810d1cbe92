package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"blackstart/harness/targets/procs"
)

// Limits of a secret.
const (
	MinBytes = 6                // of one: a shorter one cannot be taken out of texts without shredding them
	MaxBytes = 64 << 10         // of one
	ExecTime = 10 * time.Second // until a program has printed one
)

// A Resolver resolves references, each once. It may be used by several at the same time.
type Resolver struct {
	Hide func(secrets ...string) // told of every secret before anybody else; must not be nil

	mu    sync.Mutex
	known map[string]answer
}

type answer struct {
	secret Secret
	notes  []string
	err    error
}

// Resolve gives the secret that a reference names, and what a person should know about the place where it is.
func (r *Resolver) Resolve(ctx context.Context, ref Reference) (Secret, []string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := fmt.Sprintf("%q", []any{ref.Env, ref.File, ref.Exec})
	if a, ok := r.known[key]; ok {
		return a.secret, a.notes, a.err
	}
	var a answer
	text, err := "", error(nil)
	switch wrong, _ := ref.Check(); {
	case wrong != "":
		err = errors.New("the reference " + wrong)
	case ref.Env != "":
		text, err = fromEnvironment(ref.Env)
	case ref.File != "":
		text, a.notes, err = fromFile(ref.File)
	default:
		text, err = fromProgram(ctx, ref.Exec)
	}
	if err == nil {
		text, err = whole(text)
	}
	if a.err = err; err == nil {
		r.Hide(text)
		if inner := within(text); len(inner) > 0 {
			r.Hide(inner...)
		}
		a.secret = of(text)
	}
	if r.known == nil {
		r.known = map[string]answer{}
	}
	r.known[key] = a
	return a.secret, a.notes, a.err
}

// whole takes one line feed off the end, which editors and programs put there, and refuses what can be no secret.
func whole(text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case text == "":
		return "", errors.New("it is empty")
	case len(text) < MinBytes:
		return "", fmt.Errorf("it has fewer than %d bytes, too few to be hidden wherever it may be printed", MinBytes)
	case len(text) > MaxBytes:
		return "", fmt.Errorf("it has more than %d bytes", MaxBytes)
	case strings.ContainsRune(text, 0):
		return "", errors.New("it holds a zero byte")
	}
	return text, nil
}

// within gives the secrets in an authorisation, which a server may repeat without its scheme: the credentials and, of Basic, what they
// stand for and the password in it.
func within(text string) []string {
	scheme, credentials, ok := strings.Cut(text, " ")
	credentials = strings.TrimSpace(credentials)
	if !ok || credentials == "" || !slices.Contains([]string{"bearer", "basic", "token", "apikey"}, strings.ToLower(scheme)) {
		return nil
	}
	all := []string{credentials}
	if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "basic") {
		_, password, _ := strings.Cut(string(plain), ":")
		all = append(all, string(plain), password)
	}
	return all
}

func fromEnvironment(name string) (string, error) {
	text, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("the variable %s is not set", name)
	}
	return text, nil
}

// ReadFile reads at most so many bytes of a file that is one: a pipe would be waited for without end. It gives its permissions, too.
func ReadFile(path string, most int64) ([]byte, fs.FileMode, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, most))
	return data, info.Mode().Perm(), err
}

func fromFile(path string) (string, []string, error) {
	data, mode, err := ReadFile(path, MaxBytes+2)
	var notes []string
	if mode&0o077 != 0 {
		notes = append(notes, fmt.Sprintf("others than its owner may use %s (mode %04o): chmod 600 %s", path, mode, path))
	}
	return string(data), notes, err
}

// fromProgram runs a program. What it complains of is not told: it may be the secret.
func fromProgram(ctx context.Context, argv []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, ExecTime)
	defer cancel()
	a, err := procs.Ask(ctx, procs.Question{Argv: argv, Most: MaxBytes + 2})
	switch {
	case err != nil:
		return "", err
	case a.Code != 0:
		said := "nothing"
		if n := len(bytes.TrimSpace(a.Stderr)); n > 0 {
			said = fmt.Sprintf("%d bytes, which are not shown: they may hold the secret", n)
		}
		return "", fmt.Errorf("%s ended with exit code %d; it complained of %s", argv[0], a.Code, said)
	}
	return string(a.Stdout), nil
}
