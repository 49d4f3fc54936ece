// Package diff is the subcommand of that name: it reads two goroutine
// profiles, from files or URLs, compares them, and writes what changed as a
// table, as JSON, or as Markdown. Its Report is also what internal/check
// writes.
package diff
