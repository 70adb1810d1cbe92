// Package architecture tests that the module keeps to docs/architecture.md and to the house style. It holds no code that
// runs anywhere else.
package architecture
