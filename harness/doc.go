// Package harness holds the words of the field and the story of one drill.
//
// It is for describing what is broken, watched and proved (scenario, target, fault, objective, record, finding) and for
// running one drill from validation to seal. It never reaches a target except through a Driver, never decides a verdict
// (package measure does, from the Record alone), and never prints.
package harness
