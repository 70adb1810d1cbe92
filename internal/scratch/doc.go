// Package scratch shows that the product grows by files: its tests add one probe, one check and one channel, each in one
// file that nothing else knows of, and use them as a drill does. It holds no code.
package scratch
