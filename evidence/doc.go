// Package evidence makes a drill's Record into a pack that strangers can check, and checks packs.
//
// It works in two steps. Bind ties everything that was measured to the run, by a key that dies with the process: an event
// with digest or root for each file, then the record, then the signed end of the event log. Seal judges from what is bound
// and adds what is derived: findings, controls, plots and reports; then package seal signs the whole. Secrets are taken out
// before anything is written. It never measures (package measure does) and never changes a sealed pack.
//
// # The promise
//
// From release v0.1.0 on, a pack that verifies today verifies with every later build: integrity, numbers, verdict. Words and
// layout are compared byte by byte by the build that wrote them alone; catalogues are named by digest in inputs.json; the
// record names its rules, and every version of them stays compiled in. testdata/packs holds packs of every end, which a test
// verifies.
package evidence
