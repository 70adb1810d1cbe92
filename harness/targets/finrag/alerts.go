package finrag

// AlertWords are the words that finrag puts into the fields of its alerts, by channel and field.
func AlertWords() map[string]map[string][]string {
	return map[string]map[string][]string{
		"pagerduty":  {"class": AlertClasses(), "component": AlertComponents()},
		"statuspage": {"severity": PageStatuses()},
	}
}

// AlertClasses lists the classes of the pager events that finrag sends: the table of docs/finrag.md.
func AlertClasses() []string {
	return []string{
		"primary.unreachable", "failover.refused", "failover.stuck", "replication.lagging",
		"certificate.expiring", "certificate.expired", "certificate.invalid", "code.stale",
	}
}

// AlertComponents lists what a pager event of finrag can say has the trouble.
func AlertComponents() []string { return []string{"east.db", "east.api", "west.db", "west.api"} }

// PageStatuses lists the statuses that finrag puts on the status page.
func PageStatuses() []string { return []string{"investigating", "failover", "restored"} }
