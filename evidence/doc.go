// Package evidence makes a drill's Record into a pack that strangers can check, and checks packs.
//
// It writes inputs, events, record, findings, reports and plots in the order in which each may name the other, redacts
// secrets before anything is written, and hands the directory to package seal. It never measures (package measure does) and
// never changes a sealed pack.
package evidence
