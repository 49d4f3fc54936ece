// Package points reads the points of a series as Prometheus writes them.
package points
