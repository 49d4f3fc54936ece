// Package journal keeps the log and the archive in step with the leaks. It knows what the archive and
// the log have of each leak, whether the leaks of earlier runs were restored, and whether the archive
// can be written.
//
// internal/monitor passes it the leaks after each evaluation, and gets the leaks of earlier runs to
// restore. It writes a document to the Archive, and a line to the log, only when a leak has changed
// (digest.go decides). The pages show whether the archive can be written.
//
// It never changes a leak, and it starts no goroutine that outlives a call.
package journal
