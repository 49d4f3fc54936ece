// Package share writes the selectors of a process that reads only some services, from the
// groups of labels that exist. PromQL cannot select by a hash, so the selectors name the values
// of the labels, and they are as few as their length allows.
//
// It does no I/O.
package share
