// Package totals watches the targets that have profiles but no series, such as jobs that
// nobody scrapes: the number of goroutines in each profile of theirs is a sample. It knows
// which targets these are, when one is asked for the first time, and what was counted last.
// It pulls nothing.
package totals
