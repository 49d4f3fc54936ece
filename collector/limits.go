package collector

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
)

// Limits of the labels of a series. They are above what Mimir and VictoriaMetrics accept by
// default.
const (
	MaxLabels      = 200       // of a series
	MaxLabelBytes  = 2 << 10   // of a name or a value
	MaxLabelsBytes = 16 << 10  // of all names and values of a series
	maxCount       = 1e9       // no process has that many goroutines
	maxStartAhead  = 24 * 3600 // how far a start may be after its sample, in seconds
)

// LabelsProblem says in words why labels cannot be those of an instance; empty: they can.
// Labels go into logs, metrics, pages, alerts and state, so their size is bounded.
func LabelsProblem(ls labels.Labels) string {
	n, size, problem := 0, 0, ""
	ls.Range(func(l labels.Label) {
		n++
		size += len(l.Name) + len(l.Value)
		switch {
		case problem != "":
		case len(l.Name) > MaxLabelBytes:
			problem = fmt.Sprintf("a label has a name of %d bytes, more than %d", len(l.Name), MaxLabelBytes)
		case len(l.Value) > MaxLabelBytes:
			problem = fmt.Sprintf("label %s has a value of %d bytes, more than %d", strconv.Quote(Brief(l.Name, 64)), len(l.Value), MaxLabelBytes)
		case !utf8.ValidString(l.Name):
			problem = "a label has a name that is not UTF-8"
		case !utf8.ValidString(l.Value):
			problem = fmt.Sprintf("label %s has a value that is not UTF-8", strconv.Quote(Brief(l.Name, 64)))
		}
	})
	switch {
	case problem != "":
		return problem
	case n > MaxLabels:
		return fmt.Sprintf("it has %d labels, more than %d", n, MaxLabels)
	case size > MaxLabelsBytes:
		return fmt.Sprintf("its labels have %d bytes, more than %d", size, MaxLabelsBytes)
	}
	return ""
}

// ValidCount reports whether a value can be a number of goroutines.
func ValidCount(v float64) bool { return v >= 0 && v <= maxCount }

// KnownLoad returns v if it can be a load, else Unknown.
func KnownLoad(v float64) float64 {
	if v >= 0 && v <= math.MaxFloat32 {
		return v
	}
	return Unknown
}

// KnownStart returns v if it can be the start of a process that was seen at t, Unix
// milliseconds; else Unknown.
func KnownStart(v float64, t int64) float64 {
	if v > 0 && v <= float64(t)/1000+maxStartAhead {
		return v
	}
	return Unknown
}

// Brief shortens a text from elsewhere for logs and pages: one line of valid UTF-8, of at most
// n bytes and a mark where it is cut.
func Brief(s string, n int) string {
	whole := len(s)
	if whole > n {
		s = s[:n]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if whole > n {
		s += fmt.Sprintf("… (%d bytes)", whole)
	}
	return s
}
