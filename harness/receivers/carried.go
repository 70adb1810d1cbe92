package receivers

import "slices"

// Carried tells, for each channel, which fields of an Arrival an accepted message fills in there, by the names that an
// objective uses, and which words each may hold; nil stands for any text. What is not here is never carried.
func Carried() map[string]map[string][]string {
	message := []string{"message"}
	return map[string]map[string][]string{
		PagerDuty: {
			"class": nil, "component": nil, "region": nil, "summary": nil,
			"event": slices.Clone(actions), "severity": slices.Clone(severities),
		},
		Slack:      {"event": message, "summary": nil},
		SMTP:       {"event": message, "summary": nil},
		StatusPage: {"event": message, "summary": nil, "severity": nil},
	}
}
