package loadgen

import "cmp"

// Traits are what a workload says of one of its loads: what it leaves behind and what may be asked of it. Whoever judges or shows
// a load asks for these, never for a name.
type Traits struct {
	Ledger    bool     `json:"ledger"`              // keeps a ledger of its write attempts, which is looked up afterwards
	Table     string   `json:"table"`               // where it writes: schema and name of the ledger's table; "" without a ledger
	Valued    bool     `json:"valued"`              // its writes have a value
	Currency  string   `json:"currency"`            // of the value: ISO 4217, or "" for a unit that is none
	Exponent  uint8    `json:"exponent"`            // of the value: minor units are 10^-exponent of it
	Edges     bool     `json:"edges"`               // times the edges of an outage; it runs beside the load and is no part of it
	Questions bool     `json:"questions"`           // asks questions whose right answers are known
	Speaks    string   `json:"speaks"`              // kind of the components that its clients dial, such as postgres; "": the public entry
	Conns     int      `json:"conns"`               // most connections to each of those; 0: one for each operation in flight
	LookedUp  string   `json:"looked_up,omitempty"` // of a ledger: on what its writes are looked up, a kind of component or entry; "": on what its clients dial
	Requests  []string `json:"requests,omitempty"`  // what it asks of the public entry that may change something: "POST /orders"
	Writes    int      `json:"writes,omitempty"`    // most writes, or requests that may change something, that one operation makes
	Cohorts   []string `json:"cohorts"`             // the kinds of client that this load plays; null where all are alike. Of other names than http.query has, the n-th is number n in the samples
}

// Where is on what the writes of a ledger are looked up: a kind of component, or entry.
func (t Traits) Where() string { return cmp.Or(t.LookedUp, t.Speaks) }

// Inside tells whether the clients can stand inside a region: those of the public entry come from outside.
func (t Traits) Inside() bool { return t.Speaks != "" }
