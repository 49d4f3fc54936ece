// Package survival compares dumps of a process, to find out whether the goroutines of a leak
// stay. It is pure: it gets parsed dumps and pulls nothing.
package survival
