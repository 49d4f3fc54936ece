// Package human writes numbers, times and names the way a person reads them:
// in alerts, on the pages and on the terminal. It is pure and knows nothing of
// leaks. What it returns is one line of inert text: whatever a label or a
// symbol holds, no control character, line break or change of the writing
// direction gets out.
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

// Number writes x with thousands separators: as an integer, or with one digit
// behind the point where the integer would hide it (below 10). What is not a
// number is "?".
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

// Percent writes a share (0 to 1) as a percentage. Only a share of everything
// is written as 100 %, only one of nothing as 0 %.
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

// Time writes t in UTC as seen from ref: the time of day alone where that is
// the same day, the date too where it is not. The zero time is "?".
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

// Place writes where a frame is: the base name of its file and the line. It is
// empty if the file is not known.
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

// maxSymbol is how much of a symbol is looked at, in bytes.
const maxSymbol = 8 << 10

// Func writes the name of a function in at most n characters (n ≥ 8). Type
// arguments are left out; if it is still too long, so is the path of its
// package; if it still is, its beginning, since the end tells more.
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
		name = name[i+1:]
	}
	r := []rune(name)
	if len(r) <= n {
		return name
	}
	return "…" + string(r[len(r)-n+1:])
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

// Line makes s one inert line of at most n characters: what is invalid, does
// not print or turns the writing direction becomes U+FFFD, white space one
// space, and what is too long ends in "…".
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
