// Package client sends queries to a Prometheus. It repeats them if the server had no time, and
// waits if the server asked for it. It passes the answers on as they arrive.
package client
