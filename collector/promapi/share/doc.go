// Package share writes the selectors of a process that reads some services alone, from the
// groups of labels that there are. PromQL cannot select by a hash, so the values of the
// labels are named, in as few selectors as their length allows.
//
// It does no I/O.
package share
