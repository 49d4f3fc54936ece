// Package known recognises leaks of public libraries that were reported: which function leaks,
// in which versions, and what to do about it.
//
// The list is in the folder known of the repository, one file a leak. This package parses it
// and compares it with the stacks of a leak. It does no I/O and reads no clock.
package known
