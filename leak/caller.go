package leak

import (
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

// Caller is a call of the user's code that may have started the goroutines of a
// library.
type Caller struct {
	Frame collector.Frame `json:"frame"` // of the user's code
	// From is the user's code that called the frame; without a Func: none did.
	From  collector.Frame `json:"from,omitzero"`
	Calls string          `json:"called,omitempty"` // the function of the library that it calls, or that calls it back; not of a creator
	// Link says how the call is connected with the goroutines.
	Link Link `json:"link"`
	// Seen is the kind of profile that shows the call: "goroutine" or "heap".
	Seen collector.ProfileKind `json:"seen_in"`
}

// Link says how a call of a library is connected with the library's goroutines.
type Link string

// The links, the surest first.
const (
	// LinkStarter means that the call leads to the function which starts them.
	LinkStarter Link = "starter"
	// LinkCallback means that a goroutine which began in the same function of the library runs
	// the frame: somebody gave it to the library. Calls is the function that calls it back.
	LinkCallback Link = "callback"
	// LinkType means that it leads to a method of the same type.
	LinkType Link = "type"
	// LinkConstructor means that it calls a function of the same package that makes something,
	// by its name.
	LinkConstructor Link = "constructor"
	// LinkPackage means that it leads to the same package.
	LinkPackage Link = "package"
	// LinkLibrary means that it leads to another package of the library.
	LinkLibrary Link = "library"
	// LinkCreator means that a goroutine which runs the frame has started them, as a dump
	// says. What it called for that is not known.
	LinkCreator Link = "creator"
)

// Closer reports whether a link says more than another one does.
func (l Link) Closer(than Link) bool { return l.rank() > than.rank() }

func (l Link) rank() int {
	switch l {
	case LinkStarter:
		return 7
	case LinkCallback:
		return 6
	case LinkType:
		return 5
	case LinkConstructor:
		return 4
	case LinkPackage:
		return 3
	case LinkLibrary:
		return 2
	case LinkCreator:
		return 1
	}
	return 0
}

// Holder is a stack of one or a few goroutines that probably hold what those of a leak
// wait for: a lock, or the other end of a channel.
type Holder struct {
	Signature string            `json:"signature"`
	Op        string            `json:"state"`
	Key       collector.Frame   `json:"key"`
	Frames    []collector.Frame `json:"frames"`
	Count     int64             `json:"count"`
	// Since is the time of the first profile that shows it; zero: the first of all has it.
	Since time.Time `json:"since,omitzero"`
}
