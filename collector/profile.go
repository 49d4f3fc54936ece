package collector

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Frame is one call on a stack.
type Frame struct {
	Func string // fully qualified, e.g. "main.(*Server).handle.func1"; in a Record as the profile has it
	File string // as the profile has it, may be empty
	Line int    // 0: unknown
}

// String returns the frame on one line: "main.logHandler.func1 handler.go:29".
func (f Frame) String() string {
	if f.File == "" {
		return f.Func
	}
	return f.Func + " " + path.Base(f.File) + ":" + strconv.Itoa(f.Line)
}

// MaxGoroutines is more goroutines than a program can have: their stacks alone would take 200
// GB. A larger count is refused.
const MaxGoroutines = 100_000_000

// UnmarshalJSON reads a stored frame. Older ones have names as Go escapes them.
func (f *Frame) UnmarshalJSON(text []byte) error {
	type plain Frame
	if err := json.Unmarshal(text, (*plain)(f)); err != nil {
		return err
	}
	f.Func = ReadableFunc(f.Func)
	return nil
}

// ReadableFunc returns the name of a function as people write it. Profiles escape import paths:
// the dots of the last element, "gopkg.in/yaml%2ev3.Unmarshal", and everywhere what is not
// ASCII.
func ReadableFunc(name string) string {
	i := strings.IndexByte(name, '%')
	if i < 0 {
		return name
	}
	if all := unescape(name, i, ""); utf8.ValidString(all) && strings.IndexFunc(all, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return all
	}
	return unescape(name, i, "2e")
}

// unescape undoes the escapes from byte i on, or only the one in only.
func unescape(name string, i int, only string) string {
	b := append(make([]byte, 0, len(name)), name[:i]...)
	for ; i < len(name); i++ {
		if name[i] == '%' && i+2 < len(name) && (only == "" || name[i+1:i+3] == only) {
			if c, err := strconv.ParseUint(name[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(c))
				i += 2
				continue
			}
		}
		b = append(b, name[i])
	}
	return string(b)
}

// ReadablePattern converts a regular expression to one for readable names of functions.
// Patterns for names as Go escapes them keep their meaning.
func ReadablePattern(pattern string) string {
	return strings.ReplaceAll(pattern, "%2e", `\.`)
}

// Record is a number of goroutines with the same stack.
type Record struct {
	Count int64
	// Frames are leaf first. Stacks have most of their frames in common, so records share them:
	// nobody may change one.
	Frames []*Frame
	// Numbers are small numbers of the frames, each frame of a profile with its own. A reader
	// can index by them, which is faster than by address. Only the decoder of the protocol
	// buffer sets them, while it passes the record to its caller.
	Numbers []uint32
	// Records is the number of records that the decoder will pass on, including this one, if it
	// knows that before the first; else 0. A reader can allocate for all of them at once.
	Records int
	// CreatedBy is the frame of the go statement. Func is empty if the format does not have it
	// (proto and debug=1 never do).
	CreatedBy Frame
	// State is the wait reason as a dump prints it ("chan send"), empty if the format does not
	// have it.
	State string
	// Wait is the longest time that one of them has waited, as debug=2 says (whole minutes).
	// Zero: unknown or under a minute.
	Wait time.Duration
	// Goroutines are the goroutines one by one, debug=2 only.
	Goroutines []Goroutine
	// Creators are the ids of some of the goroutines that started them, debug=2 only.
	Creators []uint64
	// Leaked means that the garbage collector found them unreachable.
	Leaked bool
	// InUse means that some of what the record allocated is still in use, in a heap profile.
	InUse bool
	// Labels are pprof labels. They are only for display, because they may be sensitive.
	Labels map[string]string
}

// Goroutine is one goroutine of a dump.
type Goroutine struct {
	ID uint64
	// Waited is for how long it has waited, in whole minutes. Zero: unknown or under a minute.
	Waited time.Duration
}

// Format is how a profile was written.
type Format string

// The formats of a goroutine profile.
const (
	FormatProto  Format = "proto"
	FormatDebug1 Format = "debug=1"
	FormatDebug2 Format = "debug=2"
)

// ProfileKind is what a profile counts.
type ProfileKind string

// The kinds.
const (
	KindGoroutine     ProfileKind = "goroutine"
	KindGoroutineLeak ProfileKind = "goroutineleak"
	// KindHeap is a heap profile. Its records are the places that allocated memory since the
	// start of the program, by samples, and their counts how often.
	KindHeap ProfileKind = "heap"
)

// Profile is a parsed goroutine profile of one instance.
type Profile struct {
	Kind   ProfileKind
	Format Format
	// Time is when it was taken: the profile's own time if it has one, else when it was
	// fetched.
	Time time.Time
	// Total is the number of goroutines.
	Total int64
	// Incomplete means that the dump was cut (debug=2 stops at 64 MB). Its counts are
	// meaningless.
	Incomplete bool
	Records    []Record
	// Source is the prefix of the lines of the dump in a log of several sources, such as pods;
	// empty: there is only one, or it is not known. OtherSource is the first source with a dump
	// that was not read; empty: there is none.
	Source, OtherSource string
	// ReadAs says what was stripped, assumed or ignored in a text: "kubectl log with
	// timestamps; prefix stripped from 12,004 lines". Empty: nothing was.
	ReadAs string
	// Warnings are what a person should know about how it was read, such as that the text had
	// several dumps: sentences without a full stop.
	Warnings []string
	// Size is the number of bytes as sent, 0: unknown.
	Size int
	// Raw is the profile as the target sent it, for the archive. A dump, which is text, is
	// gzipped. Raw is nil for profiles that were not fetched from a target, and for dumps that
	// are too large to keep.
	Raw []byte
}
