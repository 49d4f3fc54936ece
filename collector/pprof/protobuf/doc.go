// Package protobuf decodes goroutine profiles from the protocol buffer of pprof, profile.proto,
// in a stream: from a decompressed reader to one record a sample.
//
// It reads the part of profile.proto that goroutine profiles use. The package
// github.com/google/pprof/profile reads all of it. It takes two and a half times as long and
// twice the memory, and expands each byte of a hostile profile to sixteen before anything can
// be counted.
//
// It never decompresses and never guesses a format; collector/pprof does.
package protobuf
