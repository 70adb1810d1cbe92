package scenarios

import "blackstart/internal/strictyaml"

// shadowed finds bounds that the file itself writes, and that a profile of a file it extends lays its own over: they would
// have no effect, and nobody would notice.
func shadowed(out *strictyaml.Collector, own, profile string, objectives, over *strictyaml.Node) {
	if objectives == nil || !strictyaml.Keyed(objectives) {
		return
	}
	for _, item := range objectives.Items {
		written, hides := item.Get("atMost"), over.Get(item.ID()).Get("atMost")
		if written != nil && hides != nil && written.File == own && hides.File != own && written.Text != hides.Text {
			out.Add(written.Pos, "write it under profiles."+profile+", too", "under profile %s this has no effect: %s:%d sets %q",
				profile, hides.File, hides.Line, hides.Text)
		}
	}
}

// unsourced finds bounds that a profile changes without saying where the new one comes from: the old source does not say it.
func unsourced(out *strictyaml.Collector, profile string, objectives *strictyaml.Node) {
	if objectives == nil || objectives.Kind != strictyaml.Mapping {
		return
	}
	for _, e := range objectives.Entries {
		if bound, source := e.Value.Get("atMost"), e.Value.Get("source"); bound != nil && (source == nil || source.File != bound.File) {
			out.Add(bound.Pos, "write the source of this bound beside it", "objective %s under profile %s has another bound and no source of its own",
				e.Key, profile)
		}
	}
}
