// Package discovery finds the pprof endpoint of an instance from the labels of
// its series: among the static targets of the configuration, among what
// service discovery finds (Prometheus' own: files, HTTP, DNS, Consul,
// Kubernetes), and at the address that Prometheus scrapes, each with the path,
// port, scheme and login that the configuration has for it.
//
// Which mechanisms of service discovery there are is decided by what the
// program links: each registers itself with Prometheus' discovery package.
//
// It never guesses: an instance that no target, or more than one, could be is
// refused with the reason in words.
package discovery
