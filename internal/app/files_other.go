//go:build !unix

package app

// openFileLimit returns how many files the process may have open; 0: not known.
func openFileLimit() uint64 { return 0 }
