package harness

// Units of Measurement.Unit and MeasureSpec.Unit.
const (
	UnitNS    = "ns"
	UnitCount = "count"
	UnitMinor = "minor" // of the currency: cents, of one that has them
	UnitWord  = "word"  // Measurement.Text is the value
	UnitPPM   = "ppm"   // a share in parts per million, of an answer alone
)

// MeasureSpec is what a measure is, and what an objective on it must say: all that a reader of scenarios knows of it.
type MeasureSpec struct {
	Name  string   // as an objective names it: "rpo.time"
	Title string   // as a result calls it: "RPO"
	Doc   string   // what is measured, in few words; docs/measurement.md defines it
	Unit  string   // of its value, and so how its bound is written: ns by a duration, minor by an amount, word by `is`
	Words []string // the words that `is` may hold, of UnitWord

	Load      bool     // an objective names a load
	Ledger    bool     // which keeps a ledger
	Valued    bool     // whose writes have an amount
	Questions bool     // which asks questions; staleAfter is allowed
	Cohort    bool     // which may have cohorts: then the objective names one
	Outage    bool     // it ends when service is restored by the limits of `recovered`, and a load must time its edges
	Channel   bool     // an objective names an alert channel
	Carries   bool     // and may name fields of the alert; it must where they are counted
	Fault     bool     // it counts from a fault
	Lasting   bool     // or from the end of one that lasts a stated time
	Probes    []string // kinds of probe without which it has no value
	Watched   bool     // clients must be watched for longer than its bound
}
