package scenarios

// shadowed finds bounds that the file itself writes, and that a profile of a file it extends lays its own over: they would
// have no effect, and nobody would notice.
func shadowed(out *collector, own, profile string, objectives, over *node) {
	if objectives == nil || !keyed(objectives) {
		return
	}
	for _, item := range objectives.items {
		written, hides := item.get("atMost"), over.get(item.id()).get("atMost")
		if written != nil && hides != nil && written.file == own && hides.file != own && written.text != hides.text {
			out.add(written.pos, "write it under profiles."+profile+", too", "under profile %s this has no effect: %s:%d sets %q",
				profile, hides.file, hides.line, hides.text)
		}
	}
}

// unsourced finds bounds that a profile changes without saying where the new one comes from: the old source does not say it.
func unsourced(out *collector, profile string, objectives *node) {
	if objectives == nil || objectives.kind != mapping {
		return
	}
	for _, e := range objectives.entries {
		if bound, source := e.value.get("atMost"), e.value.get("source"); bound != nil && (source == nil || source.file != bound.file) {
			out.add(bound.pos, "write the source of this bound beside it", "objective %s under profile %s has another bound and no source of its own",
				e.key, profile)
		}
	}
}
