// Package listing makes the controls around a list on a page: the form that narrows it, the
// links to its states and orders, and its pages. Their state is in the address, so that a list
// works without a script and can be sent to others.
//
// It is pure: it turns a request into values for the templates of internal/web/pages.
package listing

import "github.com/gorowatch/gorowatch/internal/human"

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// Tally is a count that a page shows with separators.
type Tally int

func (n Tally) String() string { return human.Count(int64(n)) }
