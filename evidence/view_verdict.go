package evidence

import (
	"fmt"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// maxReason is how long, in runes, the reason of a verdict may be on the first page. A longer one, of several objectives, is
// said in fewer words there; objective by objective it stands below and among the exceptions.
const maxReason = 300

func (v *view) verdict() reports.Verdict {
	validity := "passed: every check below held"
	for _, c := range v.f.Validity {
		if !c.OK {
			validity = "failed: " + c.Name + ": " + c.Detail
			break
		}
	}
	if v.rec.Status != harness.Completed {
		validity = string(v.rec.Status) + ": " + v.rec.StatusReason
	}
	reason := v.f.Reason
	if len([]rune(reason)) > maxReason && v.f.Verdict == harness.Fail {
		reason = v.inFewWords()
	}
	result := v.f.Verdict.String()
	if v.rec.Status == harness.Interrupted && v.f.Verdict != harness.Fail {
		result = string(v.rec.Status) // an interrupted run passes nothing
	}
	return reports.Verdict{Result: result, Reason: v.redact.Text(reason), Validity: v.redact.Text(validity)}
}

// inFewWords says which objectives were not met, and what of each.
func (v *view) inFewWords() string {
	var words []string
	for _, o := range v.f.Objectives {
		if o.Verdict == harness.Fail {
			words = append(words, v.briefly(o))
		}
	}
	return fmt.Sprintf("FAIL: %d of %d objectives not met: %s.", len(words), len(v.f.Objectives), strings.Join(words, "; "))
}

func (v *view) briefly(f harness.Finding) string {
	return f.Objective.ID + ": " + measure.Missed(f)
}
