// Package register keeps the list of all runs: an append-only log of signed entries in a store that several writers share.
//
// Every file of a register is created and never written again. An entry carries the digest of the one before it and the
// signature of the register's key; after each entry a checkpoint over the whole log is signed, and every one is kept. A pack
// carries what Opening holds: the entry it was opened under, the checkpoint over it, the proof that it is in it, and the hashes
// of the entries before. So a history that is written anew by somebody who holds store and key is found from one pack that
// was kept elsewhere, and the first altered entry is named.
//
//	store.json                     the log's origin and the public half of its key
//	register/entry/N.json          one line; prev is the SHA-256 of entry N−1, of store.json for N = 0
//	register/checkpoints/SIZE      a C2SP checkpoint over the first SIZE entries; leaf i is the file of entry i
//	register/tile/…                the same in the layout of C2SP tlog-tiles, derived from the entries
//	runs/RUN/pack.zip              a copy of the sealed pack
//	probe/NONCE                    left by Init, which tries whether the store keeps what it has
//
// It never deletes, never repairs what is altered, never judges a drill, and reads no pack: package evidence does.
package register
