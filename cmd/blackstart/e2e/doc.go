// Package e2e holds the end-to-end drills: real servers, real faults, real packs. It is only tests; each starts the built
// programs as a user would and looks at exit codes, output, packs, and what is left behind.
package e2e
