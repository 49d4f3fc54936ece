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

// String is the frame on one line: "main.logHandler.func1 handler.go:29".
func (f Frame) String() string {
	if f.File == "" {
		return f.Func
	}
	return f.Func + " " + path.Base(f.File) + ":" + strconv.Itoa(f.Line)
}

// MaxGoroutines is more goroutines than a program can have: their stacks alone
// would take 200 GB. A larger count is refused, or not believed.
const MaxGoroutines = 100_000_000

// UnmarshalJSON reads a frame that was kept. Older ones have names as Go escapes
// them.
func (f *Frame) UnmarshalJSON(text []byte) error {
	type plain Frame
	if err := json.Unmarshal(text, (*plain)(f)); err != nil {
		return err
	}
	f.Func = ReadableFunc(f.Func)
	return nil
}

// ReadableFunc is the name of a function as people write it. Profiles have import
// paths escaped: the dots of the last element, "gopkg.in/yaml%2ev3.Unmarshal",
// and everywhere what is not ASCII.
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

// unescape undoes the escapes from byte i on, or only the one that is given.
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

// ReadablePattern is a regular expression for readable names of functions. One
// that was written for names as Go escapes them means the same.
func ReadablePattern(pattern string) string {
	return strings.ReplaceAll(pattern, "%2e", `\.`)
}

// Record is a number of goroutines that stand at the same place.
type Record struct {
	Count int64
	// Frames are leaf first. Stacks have most of their frames in common, so
	// records share them: nobody may change one.
	Frames []*Frame
	// Numbers are small numbers of the frames, by which a reader finds what it
	// knows of one faster than by its address: within a profile each frame has its
	// own. Only a decoder of the protocol buffer sets them, while it hands the
	// record out.
	Numbers []uint32
	// Records is how many records are handed out, this one included, where a decoder
	// knows it before the first; else 0. A reader makes room for them at once.
	Records int
	// CreatedBy is the frame of the go statement. Func is empty where the
	// format does not have it (proto and debug=1: never).
	CreatedBy Frame
	// State is the wait reason as a dump prints it ("chan send"), empty
	// where the format does not have it.
	State string
	// Wait is how long the longest of them has waited, as debug=2 says
	// (whole minutes). Zero: unknown or under a minute.
	Wait time.Duration
	// IDs are the ids of the goroutines, debug=2 only.
	IDs []uint64
	// Leaked: the garbage collector found them unreachable.
	Leaked bool
	// Labels are pprof labels, for display alone: they may be sensitive.
	Labels map[string]string
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
)

// Profile is a parsed goroutine profile of one instance.
type Profile struct {
	Kind   ProfileKind
	Format Format
	// Time is when it was taken: the profile's own time where it has one,
	// else when it was fetched.
	Time time.Time
	// Total is the number of goroutines.
	Total int64
	// Incomplete: the dump was cut (debug=2 stops at 64 MB); counts mean
	// nothing.
	Incomplete bool
	Records    []Record
	// Source is what stands before the lines of the dump in a log of several sources, such
	// as pods; empty: there is one, or it is not known. OtherSource is the first of those
	// that have dumps and are not read; empty: there is none.
	Source, OtherSource string
	// ReadAs says what of a text was stripped, assumed or ignored: "kubectl log with
	// timestamps; prefix stripped from 12,004 lines". Empty: it was read as it stands.
	ReadAs string
	// Warnings are what a person should know about how it was read, such as
	// that the text held several dumps: sentences without a full stop.
	Warnings []string
	// Size is the number of bytes as they were sent, 0: unknown.
	Size int
	// Raw is the profile as the target sent it, kept for the archive; a dump,
	// which is text, is gzipped. It is nil for profiles that were not fetched
	// from a target, and for dumps that are too large to keep.
	Raw []byte
}
