// Package apierror says in plain words why a server did not answer like a Prometheus, and which
// of its failures may be temporary.
package apierror
