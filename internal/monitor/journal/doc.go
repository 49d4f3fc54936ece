// Package journal keeps the log and the archive in step with the leaks. It owns what the
// archive and the log have of each leak, whether the leaks of earlier runs were restored, and
// whether the archive can be written.
//
// The cycle passes it the leaks after each evaluation, and gets the leaks of earlier runs to
// restore. It writes documents to the Archive, and lines to the log only when something has
// changed. Whether the archive can be written goes to the pages.
//
// It never changes a leak, and it starts no goroutine that outlives a call.
package journal
