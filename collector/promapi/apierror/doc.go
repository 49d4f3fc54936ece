// Package apierror says in plain words why a server did not answer as a Prometheus does,
// and which of its failures may be over after a while.
package apierror
