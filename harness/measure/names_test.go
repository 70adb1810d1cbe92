package measure

import (
	"os"
	"strings"
	"testing"
)

// Every name that a measurement can have stands in docs/measurement.md, in the table that maps it to its formula.
func TestEveryNameHasAFormula(t *testing.T) {
	doc, err := os.ReadFile("../../docs/measurement.md")
	must(t, err)
	_, table, found := strings.Cut(string(doc), "## Every name of a measurement\n")
	table, _, ended := strings.Cut(table, "\n## ")
	if !found || !ended {
		t.Fatal("docs/measurement.md has no table of names")
	}
	names := append(Measures(), MeasureImpact, MeasureLoss, NameRTODeclared, NameRTOAnswering, NameErrors+"NAME", NameImpact, NameDetected,
		NameDeclared, NameFirstAnswer, NameSteady, NameWritable, NameRedundant, NameLostService, NameLostRequests, NameBrownout, NameRPODatabase,
		NameDivergence, NameDivergenceTime, NameDivergenceCost, NameAlertBeyond, NameLatencyMedian, NameLatencyP99, NameOverheadMedian,
		NameOverheadP99, NameWallTotal, NameWallRecovery, NameWallRest, NameWallPhase+"NAME", NameWallUntold)
	for _, w := range strangers() {
		for _, m := range mustJudge(t, w).Measurements {
			known := m.Name
			for _, family := range []string{NameErrors, NameWallPhase} {
				if strings.HasPrefix(known, family) {
					known = family + "NAME"
				}
			}
			names = append(names, known)
		}
	}
	for _, name := range names {
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("docs/measurement.md gives no formula for %s", name)
		}
	}
}
