package main
import ("testing";"context";"blackstart/evidence";"blackstart/evidence/seal";"time")
func TestFixture(t *testing.T) {
	t0:=time.Now()
	pack, root := writeFixture(t, t.TempDir())
	t.Log(time.Since(t0))
	roots, err := seal.LoadRoots(root); if err!=nil {t.Fatal(err)}
	c, err := evidence.Verify(context.Background(), pack, evidence.VerifyOptions{Roots: roots, Recompute: true})
	if err!=nil {t.Fatal(err)}
	for _, f := range c.Failures() { t.Error(f) }
	t.Log(c.Octets, c.Findings.Reason)
}
