// Package totals watches the targets that have profiles but no series, such as jobs that nobody
// scrapes: the number of goroutines in each of their profiles is a sample. It knows which
// targets these are, when one is asked for the first time, and their last counts. It pulls
// nothing.
package totals
