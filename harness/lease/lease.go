// Package lease has somebody near the target take a fault back when we fall silent.
//
// One script runs on the executor, a host that the target file names: the lease is armed there and read back, only then is anything done,
// and what it would take to undo it lies there before. While the lease is renewed nothing happens; when it expires, the executor undoes
// every entry by itself. Its clock is the executor's monotonic one. An undo writes a tombstone first, so that a Do that comes late
// changes nothing.
package lease

// Scripts are one act on one thing and the way back, as POSIX sh that the executor runs: literal, whole, and without a secret.
type Scripts struct {
	State string // prints one word, how the thing is now, and changes nothing
	Do    string // does it
	Undo  string // undoes it; done twice it does no harm

	Free []string // the words of State in which nothing of ours is in force: a Do begins from one of them, and an Undo ends in one
	Ours []string // the words in which the Do, whole or in part, has left it: an Undo acts on these, and on no other
	Held bool     // it lasts until its Undo, so that finding it Free in the meantime shows that somebody else has undone it
	Most int      // seconds that a Do, or an Undo, may take
}

// Entry is an act under a name of its own.
type Entry struct {
	ID string // letters, digits, dots and dashes
	Scripts
	// Guard runs before the executor undoes by itself: unless it ends with 0, the entry stays in force, and HOLD says so. "" lets it.
	Guard string
	Hold  string // in words: how to lift what stays in force
}
