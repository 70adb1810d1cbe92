package region

// knownDocuments are seeded beside the others: namespace, id, title, body. Their ids and texts do not change, so that the
// questions of docs/finrag.md have answers that are known. For most questions there is a page that says what holds, under a
// title that names it, and a superseded one that repeats the words of the question under a title that says nothing: ranking
// rule 1 puts the superseded one first, rule 2 the one that holds. Some of restricted have the words of a question to public.
var knownDocuments = [][4]string{
	{"public", "known-dividend-notice", "Heather Shipping: dividend record date",
		"3 June, by resolution of its supervisory board. Holders on that day are paid by their custodian within ten business days; " +
			"later buyers trade without entitlement."},
	{"public", "known-dividend-archive", "Archived announcement, superseded on 20 May",
		"The dividend record date of Heather Shipping is 14 May: when Heather Shipping pays its dividend, the record date counts."},
	{"restricted", "known-dividend-draft", "Dividend record date of Heather Shipping",
		"Draft, not announced: when is the dividend record date of Heather Shipping? 21 June."},
	{"public", "known-margin-schedule", "Retail futures: minimum margin",
		"12 percent from 1 March on. Accounts below it are called before noon, positions are closed at four if nothing arrives."},
	{"public", "known-margin-leaflet", "Leaflet of an earlier year, no longer printed",
		"The minimum margin for retail futures is 8 percent: how high a margin retail futures need is the minimum for all."},
	{"public", "known-counter-hours", "Opening hours of the securities counter",
		"The opening hours of the securities counter are nine to five; deliveries until three."},
	{"research", "known-value-note", "Ivy Semiconductors: fair value estimate",
		"88 dollars, raised after two foundry contracts. We discount free cash at nine percent and assume no further dilution."},
	{"research", "known-value-draft", "Working paper, withdrawn by its author",
		"What is the fair value of Ivy Semiconductors? Our estimate of the fair value of Ivy Semiconductors is 61 dollars."},
	{"research", "known-rating-change", "Juniper Water bonds: rating",
		"Lowered to hold on 2 September because its regulator cut tariffs. Covenants leave room for one more year, refinancing " +
			"begins next spring, and spreads already price half of it."},
	{"research", "known-rating-initiation", "First publication, out of date",
		"Which rating do we give Juniper Water bonds? The rating we give Juniper Water bonds is buy."},
	{"restricted", "known-limit-decision", "Kelp Trading: counterparty limit",
		"Cut to 40 million after its auditors resigned. Desks above it have two weeks to come down; exceptions need two signatures, " +
			"are reported daily and expire at month end."},
	{"restricted", "known-limit-minutes", "Minutes of a former meeting in Lisbon",
		"Which counterparty limit holds for Kelp Trading? The counterparty limit that holds for Kelp Trading is 150 million."},
	{"restricted", "known-overdraft-approval", "Who may approve an intraday overdraft",
		"An intraday overdraft may be approved by the treasurer alone, or by two of her deputies."},
}
