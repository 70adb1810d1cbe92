// Package scratch shows that the product grows by files: its tests add one fault, workload, probe, check, channel, call, kind of
// component and framework, each in one file that nothing else knows of, and use them as a drill, or the check of a target, does.
// A measure is added so in package evidence, whose reports tell it.
// It holds no code.
package scratch
