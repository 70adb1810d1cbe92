package region

import (
	"fmt"
	"os/exec"
	"testing"

	"blackstart/cmd/finrag/internal/pgtest"
	"blackstart/cmd/finrag/internal/vector"
)

func TestCacheKeysAreApart(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range []struct {
		namespace, text string
		k               int
	}{{"a", "bc", 1}, {"ab", "c", 1}, {"a", "bc", 2}, {"a", "1 bc", 1}, {"a1", " bc", 1}} {
		key := cacheKey(q.namespace, q.text, q.k)
		if seen[key] {
			t.Errorf("%v shares its key with another query", q)
		}
		seen[key] = true
	}
}

func TestCacheAnswersAndIsLeftAloneWhenItDoesNot(t *testing.T) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server on the PATH: install redis-server to run this test")
	}
	port := fmt.Sprint(pgtest.FreePort(t))
	cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(stop)
	a := openCache("127.0.0.1:" + port)
	defer a.close()
	ctx := t.Context()
	key := cacheKey("public", "text", 3)
	if _, hit := a.get(ctx, key); hit {
		t.Error("a cache that was never reached has an answer")
	}
	pgtest.Eventually(t, "the cache answers", func() bool { return a.detail(ctx).OK })
	want := vector.Result{ID: "1", Namespace: "public", Title: "t", Score: 0.5}
	pgtest.Eventually(t, "the cache gives back what it was given", func() bool {
		a.ping(ctx)
		a.put(ctx, key, []vector.Result{want})
		got, hit := a.get(ctx, key)
		return hit && len(got) == 1 && got[0] == want
	})
	if _, hit := a.get(ctx, cacheKey("restricted", "text", 3)); hit {
		t.Error("the answer of one namespace is given to another")
	}
	stop()
	if d := a.detail(ctx); d.OK || !d.Configured || d.Error == "" {
		t.Errorf("a dead cache says %v", d)
	}
	if _, hit := a.get(ctx, key); hit || a.usable.Load() {
		t.Error("a dead cache is still asked")
	}
	var none *answers
	if d := none.detail(ctx); d.Configured {
		t.Errorf("no cache says %v", d)
	}
}
