package evidence

import (
	"strings"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// AuditCommands are the commands with which a stranger checks an unpacked pack, with tools that are not ours. Each element is one
// command for a POSIX shell, of several lines where it is long; they run in order, in the directory of the pack, as they are
// printed. Every one of them ends with status 0 when all is well.
func AuditCommands(rec *harness.Record, list []ReportSpec) []string {
	all := []string{
		"ROOT=../" + seal.BaseName(rec.Scenario.Metadata.Name) + ".root.pem && \\\nls \"$ROOT\"",
		"sha256sum --strict --quiet -c manifest-sha256.txt",
		"! { find . ! -type d ! -path './nss/*'; echo ./tagmanifest-sha256.txt; \\\ncut -c67- manifest-sha256.txt tagmanifest-sha256.txt | sed 's,^,./,'; } \\\n| LC_ALL=C sort | uniq -u | grep .",
		"openssl cms -verify -cades -binary -inform DER -no_check_time -CAfile \"$ROOT\" \\\n" +
			"-in signatures/manifest.p7s -content manifest-sha256.txt -out /dev/null",
		"sha256sum --strict --quiet -c tagmanifest-sha256.txt",
		"rm -rf nss && mkdir nss && certutil -N -d sql:nss --empty-password",
		"certutil -A -d sql:nss -n root -t \"CT,C,C\" -i \"$ROOT\"",
	}
	for _, r := range list {
		all = append(all, "pdfsig -nssdir sql:nss "+r.Path+" \\\n| grep -e Validation -e 'document signed'", "qpdf --check "+r.Path)
	}
	return all
}

// verifyText tells an auditor how to check the pack without us: data/VERIFY.md. Nothing in it is computed after sealing.
func verifyText(rec *harness.Record, list []ReportSpec) string {
	var commands strings.Builder
	for _, c := range AuditCommands(rec, list) {
		commands.WriteString("    " + strings.ReplaceAll(c, "\n", "\n    ") + "\n")
	}
	return strings.NewReplacer("{run}", rec.RunID, "{env}", rec.Environment, "{commands}", commands.String()).Replace(verifyPage)
}

const verifyPage = `# How to check this pack

Run {run}, environment class {env}. Unpack it and go into its one directory. Roots and keys reach you outside the pack: never
trust a certificate found inside it. For a rehearsal the root was written beside the pack, as NAME.root.pem beside NAME.zip; it shows
integrity since sealing only, because anyone can make another. Pack and root may have other names by now: nothing depends on them.

## With tools that are not ours
sha256sum, find, cut, sort, uniq (coreutils, findutils), grep, openssl, certutil (Debian: libnss3-tools), pdfsig (poppler-utils),
qpdf; any POSIX shell. Run them in order. ROOT is the root you were given: if the first command does not find it, it was renamed or
lies elsewhere, so write the path of your file behind ROOT=.

{commands}
Each ends with status 0 when all is well. The third prints the files that only the directory or only the manifests have: none. The
tag manifest is a transport checksum: bagit.txt, bag-info.txt and itself are signed by nobody, and only the tool below makes them
anew from the record. **Read what pdfsig prints, its status says nothing**: it must be "Signature is Valid." and "Total document
signed". openssl accepts some bytes appended to a signature; the tool does not.

Then read how the drill ended: verdict and reason in data/findings.json, and the block of facts on page 1 of each report, whose
record_sha256 must be what "sha256sum data/record.json" prints.

## Why the time of the certificate is not checked
There is no independent time stamp in this pack: the time of signing is self-asserted, and no past moment may be taken from it.
A rehearsal is signed with a throw-away key whose certificate runs out soon after the run, so that nobody has to ask whether it
was revoked (it says so itself: validity assured, short term). From then on openssl would refuse the signature for that alone:
-no_check_time leaves that one question out, and every digest, the signature and the chain to ROOT are checked as before.
pdfsig says that the certificate has expired, which is true; the validity of the signature and what it covers stand in other
lines. "-attime" with the time in the signature asks whether the certificate was valid at the moment that its own signer claims:
no more than the signer's word. What an expired throw-away key proves is what it proved on the first day: integrity since sealing.

## With the tool
    blackstart verify NAME.zip --root NAME.root.pem --recompute

Write the names that both files have. It checks the same and more, names the first altered file, and derives RTO, RPO and verdict again from the raw samples.

## With neither
data/as-run/formats.md gives the layout of every binary file, of record and events, and the definition of every number; a reader written from it alone,
with nothing but Python's standard library, reaches the same bounds.
`
