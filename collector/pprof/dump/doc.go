// Package dump reads goroutine profiles in text form: debug=1, debug=2, panics, and pasted
// variants of these. It takes a decompressed reader and passes on one record a stack.
//
// It never silently leaves something out: the profile's warnings say what it skipped, stripped
// or assumed. What it cannot understand is an error with the number of the line.
//
// It knows nothing of the protocol buffer, of files and of the network.
package dump
