package secret_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"blackstart/harness/secret"
)

const planted = "pl4nted-Secret%s\"x"

// resolve gives the secret and what was hidden by then.
func resolve(t *testing.T, r secret.Reference) (secret.Secret, []string, error) {
	t.Helper()
	var hidden []string
	s, notes, err := (&secret.Resolver{Hide: func(all ...string) { hidden = append(hidden, all...) }}).Resolve(t.Context(), r)
	if (err == nil) != (len(hidden) == 1) || err == nil && hidden[0] != s.Reveal() {
		t.Errorf("%v was hidden as %q, %v", r, hidden, err)
	}
	return s, notes, err
}

func file(t *testing.T, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// However a secret is printed, it is not.
func TestASecretIsNeverPrinted(t *testing.T) {
	t.Setenv("PLANTED", planted)
	s, _, err := resolve(t, secret.Reference{Env: "PLANTED"})
	if err != nil || s.Reveal() != planted {
		t.Fatal(err)
	}
	type holder struct {
		Shown  secret.Secret
		hidden secret.Secret
		behind *secret.Secret
	}
	var out bytes.Buffer
	for _, verb := range strings.Split("v +v #v s q x X d t e g p c U b o T", " ") {
		for _, v := range []any{s, &s, holder{s, s, &s}, []secret.Secret{s}, map[string]secret.Secret{"a": s}, fmt.Errorf("%w: %v", errors.New("x"), s)} {
			fmt.Fprintf(&out, "%"+verb+"\n", v)
		}
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "h", holder{s, s, &s})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "h", holder{s, s, &s})
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		for _, v := range []any{s, holder{s, s, &s}, map[string]any{"a": &s}} {
			b, err := marshal(v)
			if err != nil || !bytes.Contains(b, []byte(secret.Redacted)) {
				t.Errorf("%s, %v", b, err)
			}
			out.Write(b)
		}
	}
	_ = gob.NewEncoder(&out).Encode(holder{s, s, &s})
	if strings.Contains(strings.ToLower(out.String()), "pl4nted") || strings.Contains(strings.ToLower(out.String()), fmt.Sprintf("%x", "pl4nted")) {
		t.Errorf("it was printed:\n%s", out.String())
	}
	if fmt.Sprint(s) != secret.Redacted || fmt.Sprintf("%#v", s) != secret.Redacted || (secret.Secret{}).Reveal() != "" {
		t.Errorf("it prints %v, %#v", s, s)
	}
}

func TestReferencesResolve(t *testing.T) {
	path := file(t, planted+"\n", 0o600)
	for _, r := range []secret.Reference{{File: path}, {Exec: []string{"cat", path}}, {Exec: []string{"/bin/sh", "-c", "cat " + path}}} {
		s, notes, err := resolve(t, r)
		if err != nil || s.Reveal() != planted || len(notes) != 0 {
			t.Errorf("%v: %v, %v", r, notes, err)
		}
	}
	if s, _, err := resolve(t, secret.Reference{File: file(t, "two\nlines\n\n", 0o400)}); err != nil || s.Reveal() != "two\nlines\n" {
		t.Errorf("only one line feed goes: %q, %v", s.Reveal(), err)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o606} {
		if _, notes, err := resolve(t, secret.Reference{File: file(t, planted, mode)}); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "chmod 600") {
			t.Errorf("mode %o: %v, %v", mode, notes, err)
		}
	}
}

// Of an authorisation everything is hidden that a server may repeat alone.
func TestWhatAnAuthorisationHoldsIsHidden(t *testing.T) {
	for text, want := range map[string]string{"Bearer abcdef123": "Bearer abcdef123|abcdef123", "basic b3BzOmh1bnRlcjJ4": "basic b3BzOmh1bnRlcjJ4|b3BzOmh1bnRlcjJ4|ops:hunter2x|hunter2x",
		"Basic not-base64": "Basic not-base64|not-base64", "two words": "two words", "Bearer ": "Bearer "} {
		var hidden []string
		r := &secret.Resolver{Hide: func(all ...string) { hidden = append(hidden, all...) }}
		if _, _, err := r.Resolve(t.Context(), secret.Reference{File: file(t, text, 0o600)}); err != nil || strings.Join(hidden, "|") != want {
			t.Errorf("%s: %q, %v", text, hidden, err)
		}
	}
}

// What cannot be resolved is an error that says why, and never what the place holds or a program complained of.
func TestWhatCannotBeResolved(t *testing.T) {
	fifo, long := filepath.Join(t.TempDir(), "missing"), strings.Repeat("x", secret.MaxBytes+1)
	for _, c := range []struct {
		ref  secret.Reference
		want string
	}{
		{secret.Reference{Env: "NOT_SET_ANYWHERE"}, "the variable NOT_SET_ANYWHERE is not set"},
		{secret.Reference{File: fifo}, "no such file"},
		{secret.Reference{File: filepath.Dir(fifo)}, "is not a file"},
		{secret.Reference{File: file(t, "\n", 0o600)}, "it is empty"},
		{secret.Reference{File: file(t, "12345\n", 0o600)}, "it has fewer than 6 bytes"},
		{secret.Reference{File: file(t, planted+"\x00", 0o600)}, "it holds a zero byte"},
		{secret.Reference{File: file(t, long, 0o600)}, "it has more than 65536 bytes"},
		{secret.Reference{Exec: []string{"head", "-c", "70000", "/dev/zero"}}, "it has more than 65536 bytes"},
		{secret.Reference{Exec: []string{"true"}}, "it is empty"},
		{secret.Reference{Exec: []string{"no-such-vault", "read"}}, "there is no such program"},
		{secret.Reference{Exec: []string{"sh", "-c", "echo '" + planted + "' | tee /dev/stderr; exit 4"}}, "sh ended with exit code 4; it complained of 18 bytes, which are not shown"},
		{secret.Reference{Exec: []string{"sh", "-c", "echo '" + planted + "'; kill -9 $$"}}, "ended by a signal"},
		{secret.Reference{}, "names 0 places"},
		{secret.Reference{Env: planted}, "names no variable"},
		{secret.Reference{Env: "A", File: "/b"}, "names 2 places"},
		{secret.Reference{Exec: []string{"echo", planted}}, "names a program that prints what is written here"},
		{secret.Reference{Exec: []string{"/usr/bin/printf", planted}}, "names a program that prints what is written here"},
	} {
		_, _, err := resolve(t, c.ref)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "pl4nted") {
			t.Errorf("%v: %v, want %q", c.ref, err, c.want)
		}
	}
}

// A program that hangs is ended; what it would have printed is nobody's secret. Each reference is resolved once.
func TestAProgramThatHangs(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := &secret.Resolver{Hide: func(...string) { t.Error("something was hidden") }}
	if _, _, err := r.Resolve(ctx, secret.Reference{Exec: []string{"sleep", "60"}}); err == nil || !strings.Contains(err.Error(), "had not ended in time") {
		t.Error(err)
	}
	count := file(t, "", 0o600)
	once := &secret.Resolver{Hide: func(...string) {}}
	for range 3 {
		if _, _, err := once.Resolve(t.Context(), secret.Reference{Exec: []string{"sh", "-c", "echo sixsix >> " + count + "; cat " + count}}); err != nil {
			t.Fatal(err)
		}
	}
	if b, _ := os.ReadFile(count); string(b) != "sixsix\n" {
		t.Errorf("it ran %d times", bytes.Count(b, []byte("\n")))
	}
}

// A program that gives a secret sees nothing of our environment: what it can do now it can do after we were killed, too.
func TestExecSeesAnEmptyEnvironment(t *testing.T) {
	t.Setenv("VAULT_TOKEN", planted)
	if s, _, err := resolve(t, secret.Reference{Exec: []string{"sh", "-c", "echo ${VAULT_TOKEN-nothing}"}}); err != nil || s.Reveal() != "nothing" {
		t.Errorf("%v", err)
	}
}

func TestReferencesAreFoundInStructs(t *testing.T) {
	type inner struct {
		Key *secret.Reference `yaml:"key"`
	}
	v := struct {
		Name     string           `yaml:"name"`
		Password secret.Reference `yaml:"password"`
		TLS      inner            `yaml:"tls"`
		More     []inner          `yaml:"more"`
		hidden   secret.Reference
	}{Password: secret.Reference{Env: "A"}, TLS: inner{&secret.Reference{Env: "B"}}, More: []inner{{}, {&secret.Reference{File: "/c"}}}}
	v.hidden = secret.Reference{Env: "D"}
	var got []string
	for _, n := range secret.In(&v) {
		got = append(got, n.Keys+": "+n.String())
	}
	if text := strings.Join(got, ", "); text != "password: env A, tls.key: env B, more.2.key: file /c" {
		t.Error(text)
	}
}

func TestLiterals(t *testing.T) {
	for _, text := range []string{
		"postgres://app:hunter2@db/orders", "https://u:p@h/", "--password=hunter2", "token: abc", "ALTER ROLE a PASSWORD 'x'", "--token",
		"Bearer abcdefgh1234", "Authorization: Basic dXNlcjpwYXNz", "-----BEGIN EC PRIVATE KEY-----", "PGPASSWORD=x psql", "https://h/?api_key=17", "AKIAIOSFODNN7EXAMPLE",
		"app:hunter2@db", "secret=hunter2", "the secret: hunter2", `{"password":"hunter2x"}`, `{"user": "a", "api_key" : "hunter2x"}`, `sh -c "{\"token\":\"hunter2x\"}"`,
		"<Password>hunter2x</Password>", "?subscription-key=hunter2x", "--db-password", "--auth-token", "-access-token", "--secret-access-key", "X-Auth-Key: hunter2x",
		"curl -su ops:hunter2x https://h/", "x | sshpass -p hunter2x ssh h",
		"--client-secret=hunter2", "--api-key",
	} {
		if secret.Literal(text) == "" {
			t.Errorf("%q passes for no secret", text)
		}
	}
	for _, text := range []string{
		"https://orders.example.com:8443/health", "--password-file=/run/x", "/run/secrets/token", "SELECT count(*) FROM tokens", "env", "the basics of it",
		"select 1 where password = $1", "secretary", "--secret=orders", "--secret-id=orders", "op://vault/orders/password", "jsonpath={.data.password}", "-field=password", "--access-key-id=orders", `{"password": "$1"}`, `{"n": 1}`, "--token-url", "curl -u ops https://h/", "postgres://db:5432/orders",
	} {
		if what := secret.Literal(text); what != "" {
			t.Errorf("%q is taken for %s", text, what)
		}
	}
	for name, want := range map[string]bool{"password": true, "Authorization": true, "X-Api-Key": true, "db_password": true, "passwordFile": false,
		"secretName": false, "tokenizer": false, "Accept": false, "token": true, "X-Auth-Token": true, "cookie": true, "key": false,
		"X-Auth-Key": true, "Ocp-Apim-Subscription-Key": true, "X-Functions-Key": true, "Access-Key": true, "primaryKey": false, "monkey": false, "passage": false} {
		if secret.NameOfOne(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
	for text, want := range map[string]bool{"curl -u ops:hunter2x https://h/": true, "/usr/bin/curl --silent --user ops:hunter2x h": true, "redis-cli -h h -a hunter2x ping": true,
		"sshpass -p hunter2x ssh h": true, "mysql -uops -phunter2x": true, "ldapwhoami -x -w hunter2x": true, "sqlcmd -S h -P hunter2x": true, "http -a ops:hunter2x h": true,
		"curl -n -H Accept:text/plain h": false, "curl --url http://h:80/": false, "redis-cli -h h ping": false, "mysql -p": false, "sshpass -f /run/x ssh -p 22 h": false, "queue depth -a": false} {
		if got := secret.Command(strings.Fields(text)); (got != "") != want {
			t.Errorf("%s: %q", text, got)
		}
	}
	file := "a: b\n  password: hunter2 # mine\n  - {token: \"t0ken-1\"}\n  secret: {file: /x}\npassword: *an-alias\nb: {c: d, password: in-braces, e: f}"
	if got := secret.Written(file); !strings.Contains(strings.Join(got, "|"), "hunter2") || !strings.Contains(strings.Join(got, "|"), "t0ken-1") ||
		!strings.Contains(strings.Join(got, "|"), "an-alias") || !strings.Contains(strings.Join(got, "|"), "in-braces") || strings.Contains(strings.Join(got, "|"), "/x") {
		t.Errorf("%q", got)
	}
}
