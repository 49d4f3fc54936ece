// Package human writes numbers, times and names for people: in alerts, on the pages and on the
// terminal. It is pure and knows nothing of leaks. It returns one line of inert text: whatever
// a label or a symbol holds, the result has no control character, line break or change of the
// writing direction.
package human

import (
	"math"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Number writes x with thousands separators: as an integer, or with one decimal below 10.
// Anything that is not a number is "?".
func Number(x float64) string {
	switch {
	case math.IsNaN(x):
		return "?"
	case math.IsInf(x, 1):
		return "∞"
	case math.IsInf(x, -1):
		return "-∞"
	case math.Abs(x) >= 1e15: // nobody counts so far
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	if r := math.Round(x*10) / 10; math.Abs(r) < 10 && r != math.Trunc(r) {
		return strconv.FormatFloat(r, 'f', 1, 64)
	}
	return group(strconv.FormatFloat(math.Abs(math.Round(x)), 'f', 0, 64), math.Round(x) < 0)
}

// Count writes n with thousands separators.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	return group(strings.TrimPrefix(s, "-"), n < 0)
}

// Change writes n with thousands separators and its sign.
func Change(n int64) string {
	if n < 0 {
		return Count(n)
	}
	return "+" + Count(n)
}

func group(digits string, negative bool) string {
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// Percent writes a share (0 to 1) as a percentage. Only 1 is written as 100 %, and only 0 as 0
// %.
func Percent(share float64) string {
	switch p := math.Round(share * 100); {
	case math.IsNaN(share):
		return "?"
	case p >= 100 && share < 1:
		return "99 %"
	case p <= 0 && share > 0:
		return "1 %"
	default:
		return Number(p) + " %"
	}
}

// Bytes writes an amount of memory in the binary unit that suits it: "512 MiB".
func Bytes(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	for len(units) > 1 && math.Abs(n) >= 1024 {
		n, units = n/1024, units[1:]
	}
	return Number(n) + " " + units[0]
}

// Plural writes a count and what is counted: "1 stack", "1,200 stacks".
func Plural(n int64, one, many string) string {
	if n == 1 {
		return Count(n) + " " + one
	}
	return Count(n) + " " + many
}

// Duration writes d in the one unit that suits it: "42 s", "118 min", "9 h",
// "19 days", "3 years".
func Duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "-" + Duration(max(-d, 0))
	case d < 2*time.Minute:
		return Count(int64(d.Round(time.Second)/time.Second)) + " s"
	case d < 2*time.Hour:
		return Count(int64(d.Round(time.Minute)/time.Minute)) + " min"
	case d < 2*day:
		return Count(int64(d.Round(time.Hour)/time.Hour)) + " h"
	case d < 2*365*day:
		return Count(int64(d.Round(day)/day)) + " days"
	default:
		return Count(int64(d/(365*day))) + " years"
	}
}

// Hours is Duration for a float that may be longer than a time.Duration can
// hold.
func Hours(h float64) string {
	if math.IsNaN(h) {
		return "?"
	}
	if h > 200*365*24 {
		return "over 200 years"
	}
	return Duration(time.Duration(h * float64(time.Hour)))
}

// Time writes t in UTC relative to ref: only the time of day on the same day, otherwise the
// date too. The zero time is "?".
func Time(t, ref time.Time) string {
	if t.IsZero() {
		return "?"
	}
	t, ref = t.UTC(), ref.UTC()
	if t.YearDay() == ref.YearDay() && t.Year() == ref.Year() {
		return t.Format("15:04 UTC")
	}
	return t.Format("2006-01-02 15:04 UTC")
}

// FullTime writes t in UTC with its date. The zero time is "?".
func FullTime(t time.Time) string { return Time(t, time.Time{}) }

// Place writes the base name of a frame's file and the line. It is empty if the file is not
// known.
func Place(file string, line int) string {
	if file == "" {
		return ""
	}
	if len(file) > maxSymbol {
		file = file[len(file)-maxSymbol:]
	}
	// The file is as the target's compiler saw it, which may have been on
	// Windows.
	base := path.Base(strings.ReplaceAll(file, `\`, "/"))
	if line > 0 {
		base += ":" + strconv.Itoa(line)
	}
	return base
}

// maxSymbol bounds how much of a symbol is read, in bytes.
const maxSymbol = 8 << 10

// Func writes the name of a function in at most n characters (n ≥ 8). It leaves out type
// arguments, then the path of its package, then the beginning, because the end is more
// specific.
func Func(name string, n int) string {
	if len(name) > maxSymbol {
		name = name[len(name)-maxSymbol:]
	}
	name = withoutTypeArguments(name)
	// What is cut here is too long in any case: a character has at most 4 bytes.
	name = Line(name[max(len(name)-4*n-4, 0):], math.MaxInt)
	if utf8.RuneCountInString(name) <= n {
		return name
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		long := name[strings.LastIndexByte(name[:i], '/')+1:]
		name = name[i+1:]
		// "v2" is no name of a package: "backoff/v2.(*controller).loop" is, if there is room.
		if IsMajorVersion(name) && utf8.RuneCountInString(long) <= n {
			name = long
		}
	}
	r := []rune(name)
	if len(r) <= n {
		return name
	}
	return "…" + string(r[len(r)-n+1:])
}

// IsMajorVersion reports whether a name begins with a major version and a dot: "v2.".
func IsMajorVersion(name string) bool {
	version, _, ok := strings.Cut(name, ".")
	if !ok || len(version) < 2 || version[0] != 'v' {
		return false
	}
	for _, c := range version[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// withoutTypeArguments turns F[go.shape.struct { … }].func1 into F[...].func1.
func withoutTypeArguments(name string) string {
	open := strings.IndexByte(name, '[')
	shut := strings.LastIndexByte(name, ']')
	if open < 0 || shut < open {
		return name
	}
	return name[:open] + "[...]" + name[shut+1:]
}

// Line turns s into one inert line of at most n characters. Anything invalid, not printable or
// with another writing direction becomes U+FFFD, white space becomes one space, and a text that
// is too long ends in "…".
func Line(s string, n int) string {
	var b strings.Builder
	count := 0
	for _, r := range s { // an invalid byte yields U+FFFD
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			r = utf8.RuneError
		}
		if count++; count > n {
			cut := []rune(b.String())
			return strings.TrimRight(string(cut[:max(n-1, 0)]), " ") + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}
