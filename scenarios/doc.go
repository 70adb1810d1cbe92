// Package scenarios reads the written plans of drills: YAML files, decoded strictly, checked as a whole, with every problem
// reported at once at its file and line. It also carries the library of scenarios that ships with the tool, the JSON Schema
// that editors use, and the reference page.
//
// It knows the shape of a scenario and the rules that hold between its parts. It never touches a target, never opens a
// network connection, never guesses a missing number, and does not know which faults, probes or workloads exist: the caller
// says so (Known).
package scenarios

//go:generate go test -run TestGenerated . -update
