// Package collector owns the data that gorowatch reads from the services it watches: samples of
// goroutine counts, targets and goroutine profiles. It declares the types and the interfaces;
// the packages below it read.
//
// # Series
//
// A [SeriesSource] yields a [Window]: the samples of all watched instances in a span of time,
// grouped by instance. A [Sample] is the goroutine count at one moment with the load and the
// start of the process. Sources are a Prometheus (collector/promapi), the blocks of one on disk
// (collector/tsdb) and gorowatch's own scraping (collector/scrape). [Replicas] merges the
// series of several Prometheus replicas, and [Thin] reduces a long window.
//
// # Profiles
//
// A [TargetFinder] finds the address of an instance's profiles from the labels of its series
// (collector/discovery), and a [ProfileFetcher] gets a [Profile] from there (collector/pprof).
// A Profile is a list of records, each with a stack and the number of goroutines on it.
//
// # Errors
//
// Each failure has a [Reason], one of a closed set; [ReasonOf] returns it. The text of an
// [Error] is for people: URLs in it are redacted, and it says what to do where that is known.
// collector/fetch has the table from HTTP to reasons.
//
// # Limits
//
// It judges nothing. Package trend decides whether a series leaks, and internal/stack what a
// profile means.
package collector
