package scratch

import (
	"testing/fstest"

	"blackstart/evidence/controls"
)

var _ = controls.Add(fstest.MapFS{"house-rule.yaml": {Data: []byte(`name: house-rule
title: Rule 7 of the house
scope: The house wants its drills written down.
clauses:
  - clause: "7.1"
    title: Written down
    requirement: Each drill leaves a record that nobody can change unseen.
    evidence: [digest of the record]
    coverage: {any: [worm_locked], level: supports, otherwise: partial}
    does_not_show: that anybody read it
    source: Rules of the house
    verified: true
    verified_level: primary
`)}})
