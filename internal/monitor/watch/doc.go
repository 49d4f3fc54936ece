// Package watch joins the parts of each service: its instances (fleet), its profiles
// (profiling), the judgement of its counts (trend), and its leaks (lifecycle). It owns the
// order in which they learn from each other: samples go to the verdict, profiles to the
// attribution, both to the leaks.
//
// The cycle passes samples, calls Judge at each evaluation, and adds the results of pulls and
// other systems. It reads the verdict, the leaks, and the Need for further profiles.
//
// Services has all of them, and distributes the samples of a window. It does no I/O. It is not
// safe for concurrent use, except that two goroutines may work on two services: the cycle holds
// a lock.
package watch
