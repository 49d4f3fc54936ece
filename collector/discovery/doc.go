// Package discovery finds the pprof endpoint of an instance from the labels of its series. It
// looks among the static targets of the configuration, among the targets of service discovery
// (Prometheus' own: files, HTTP, DNS, Consul, Kubernetes), and at the address that Prometheus
// scrapes. Each has the path, port, scheme and login that the configuration gives it.
//
// The program decides which mechanisms of service discovery exist by linking them: each
// registers itself with Prometheus' discovery package.
//
// It never guesses. If no target fits an instance, or more than one, the error gives the reason
// in words.
package discovery
