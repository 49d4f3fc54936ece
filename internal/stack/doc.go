// Package stack analyses the stacks of a goroutine profile: which are the same over instances,
// restarts, releases and formats (the signature), what they wait for (the operation), where to
// look first (the key frame), and how their numbers changed from one profile to another.
//
// It is pure: it gets parsed profiles (collector/pprof), and reads, logs and stores nothing.
package stack
