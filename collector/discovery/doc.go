// Package discovery finds the pprof endpoint of an instance from the labels of
// its series: among the static targets of the configuration, or at the address
// that Prometheus scrapes, with the path, port, scheme and login that the
// configuration has for it.
package discovery
