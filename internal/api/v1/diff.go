package v1

import "time"

// Diff is the difference of two profiles of the archive, as a list and as a tree.
type Diff struct {
	Base   *ProfileOf `json:"base"`
	Head   *ProfileOf `json:"head"`
	Growth int64      `json:"growth"`
	Stacks []Stack    `json:"stacks"`
	// More stacks have changed than are listed.
	More int   `json:"more"`
	Root *Node `json:"root"`
	// Folded is how many frames of the tree are left out, each too small to be
	// seen.
	Folded int `json:"folded"`
}

// Node is a function in the tree of calls, outermost first. Its names are short:
// a tree has thousands of nodes.
type Node struct {
	Name     string  `json:"n"`
	Place    string  `json:"p,omitempty"`
	File     string  `json:"f,omitempty"` // whole; not of the standard library
	Base     int64   `json:"b"`
	Head     int64   `json:"h"`
	Standard bool    `json:"s,omitempty"`
	Children []*Node `json:"c,omitempty"`
}

// ProfileOf is one of the two profiles of a difference.
type ProfileOf struct {
	Key        string    `json:"key"`
	Time       time.Time `json:"time"`
	Goroutines int64     `json:"goroutines"`
}
