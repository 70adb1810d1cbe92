package facts

import (
	"io/fs"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// Artefact is one raw file of a stream or of a probe; the other of the two is nil.
type Artefact struct {
	Stream *harness.Stream
	Probe  *harness.ProbeSeries
	SHA256 string         // "" if it cannot be read
	Total  harness.Amount // of all attempts of a ledger, acknowledged or not
	Valued bool           // it is a ledger, and was read in full
}

func artefacts(rec *harness.Record, src measure.Source, source fs.FS) []Artefact {
	var all []Artefact
	for i := range rec.Streams {
		a := Artefact{Stream: &rec.Streams[i], SHA256: digest(source, rec.Streams[i].File)}
		a.Total, a.Valued = controlTotal(src, *a.Stream)
		all = append(all, a)
	}
	for i := range rec.Probes {
		all = append(all, Artefact{Probe: &rec.Probes[i], SHA256: digest(source, rec.Probes[i].File)})
	}
	return all
}

func controlTotal(src measure.Source, s harness.Stream) (sum harness.Amount, ok bool) {
	sum.Exponent = s.Traits().Exponent
	if s.Kind != "ledger" {
		return sum, false
	}
	for a, err := range src.Attempts(s.ID) {
		if err != nil {
			return sum, false
		}
		sum.Minor += a.Amount
	}
	return sum, true
}

// digest is the digest of a file's bytes, "" if it cannot be read.
func digest(source fs.FS, name string) string {
	f, err := source.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	sum, err := seal.DigestReader(f)
	if err != nil {
		return ""
	}
	return sum
}
