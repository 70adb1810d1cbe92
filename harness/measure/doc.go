// Package measure turns the Record of a drill, and the sample, attempt and observation files it names, into Findings:
// measurements with their bounds, the verdict on every objective, and whether anything may be judged at all.
//
// It is pure: the same Record and files give the same Findings, so that anybody can judge a pack again. It reads no clock,
// opens no connection, changes nothing, and never lets missing data pass for a good value: what is not known is
// inconclusive. docs/measurement.md defines every number it computes.
package measure
