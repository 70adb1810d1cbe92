package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// writtenTiles is what `register tiles` says.
type writtenTiles struct {
	Head  int64 `json:"head"`  // entries that they cover
	Made  int   `json:"made"`  // tiles that were made now
	There int   `json:"there"` // tiles that were there
}

func registerTilesCommand() *cobra.Command {
	var f registerFlags
	return f.add(&cobra.Command{
		Use:   "tiles",
		Short: "write the log as tiles, for clients that read those",
		Long: `Writes the log once more in the layout of C2SP tlog-tiles, below
register/tile in the store: what is not there yet, up to the last entry. It
needs no key, since all of it is derived from the entries; register verify
checks that it agrees with them. The checkpoint over SIZE entries is
register/checkpoints/SIZE. Commands that read a register in a bucket then ask
for 256 entries at once.`,
		Example: "  blackstart register tiles --store s3://evidence/drills",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			r := writtenTiles{Head: l.Size()}
			if r.Made, r.There, err = l.WriteTiles(cmd.Context()); err != nil {
				return f.unreadable(err)
			}
			return f.print(cmd.OutOrStdout(), r, func(p *page) {
				p.put(2, fmt.Sprintf("%d tiles written, %d were there; they cover %d entries", r.Made, r.There, r.Head))
			})
		},
	})
}
