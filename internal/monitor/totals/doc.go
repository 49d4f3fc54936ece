// Package totals watches the targets that have profiles but no series, such as jobs that nothing
// scrapes: the number of goroutines in each of their profiles is a sample. It knows which targets
// these are, when to pull the first profile of each, and their last counts. internal/monitor/totals.go
// runs these pulls; the package itself pulls nothing.
package totals
