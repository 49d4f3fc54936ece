// Package origin finds whose code a function is: the runtime's, the standard library's, a
// library's or the user's own, and of which module and version, by its name and by the path of
// its file. It is pure.
package origin

// Class is whose code a function is.
type Class uint8

// The classes.
const (
	// Runtime is the runtime and what it exports to others by linkname.
	Runtime Class = iota
	Internal
	Std
	Library
	User
)
