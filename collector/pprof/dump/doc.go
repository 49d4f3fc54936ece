// Package dump reads goroutine profiles that are text: debug=1, debug=2, panics, and
// both as people paste them. It takes a decompressed reader and hands out one record a
// stack.
//
// It never reads less than is there without a word: what it skips, strips or assumes
// is said in the profile's warnings, and what it cannot make sense of is an error with
// the number of the line.
//
// It knows nothing of the protocol buffer, of files and of the network.
package dump
