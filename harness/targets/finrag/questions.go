package finrag

import "blackstart/harness"

// questions are those whose right answers finrag promises, and which document its older ranking rule puts first. They are
// the table of docs/finrag.md.
var questions = []harness.Question{
	{ID: "dividend-date", Namespace: "public", Text: "When is the dividend record date of Heather Shipping?",
		Right: "known-dividend-notice", Older: "known-dividend-archive"},
	{ID: "futures-margin", Namespace: "public", Text: "How high is the minimum margin for retail futures?",
		Right: "known-margin-schedule", Older: "known-margin-leaflet"},
	{ID: "counter-hours", Namespace: "public", Text: "What are the opening hours of the securities counter?",
		Right: "known-counter-hours"},
	{ID: "fair-value", Namespace: "research", Text: "What is the fair value estimate of Ivy Semiconductors?",
		Right: "known-value-note", Older: "known-value-draft"},
	{ID: "bond-rating", Namespace: "research", Text: "Which rating do Juniper Water bonds have?",
		Right: "known-rating-change", Older: "known-rating-initiation"},
	{ID: "counterparty-limit", Namespace: "restricted", Text: "Which counterparty limit holds for Kelp Trading?",
		Right: "known-limit-decision", Older: "known-limit-minutes"},
	{ID: "overdraft-approval", Namespace: "restricted", Text: "Who may approve an intraday overdraft?",
		Right: "known-overdraft-approval"},
}
