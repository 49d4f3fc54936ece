// Package listing makes what is around a list on a page: the form that narrows it, the
// links to its states and orders, and its pages. All of it is in the address, so that a
// list works without a script and can be sent to somebody.
//
// It is pure: a request comes in, values for the templates of internal/web/pages go out.
package listing

import "github.com/gorowatch/gorowatch/internal/human"

// Pair is a name and its value.
type Pair struct{ Name, Value string }

// Tally is a count that a page shows with separators.
type Tally int

func (n Tally) String() string { return human.Count(int64(n)) }
