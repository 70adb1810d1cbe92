// Package s3store is a store of a register in a bucket of S3, or of a service that speaks as S3 does.
//
// A file is created by PutObject with If-None-Match: *, which a bucket refuses where the name is taken. What a reply that was
// lost leaves open is found by reading the file back. Every attempt, and their number, has a limit. Credentials come from the
// AWS SDK's own chain and from nowhere else: not from the place, not from a file of ours, and never into an error.
//
// It never deletes, never overwrites, and makes no bucket.
package s3store
