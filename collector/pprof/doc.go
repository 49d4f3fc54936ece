// Package pprof fetches goroutine profiles and parses them: the protocol buffer, debug=1 and
// debug=2, as Go 1.19 to 1.27 write them, for the goroutine and the goroutineleak profile.
//
// It is the entry to three packages. It fetches, decompresses and decides on the format;
// collector/pprof/protobuf and collector/pprof/dump decode, within the limits of
// collector/pprof/bounds.
//
// Its input is untrusted, so everything is bounded: time, bytes on the wire, bytes after
// decompression, distinct stacks, frames of a stack. A profile that exceeds a limit is refused
// with a reason rather than read in part.
//
// It does not know what a stack means (internal/stack does) nor when to pull (the caller has
// the budget).
package pprof
