package query

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gorowatch/gorowatch/internal/human"
)

// Filter narrows a list: by words, all of which must be found, and by matchers of labels. It is
// in the URL, so that a list can be sent to others.
type Filter struct {
	Text string
	// Match is as typed: job="a", namespace=~"prod|staging"; with or without braces, and
	// without quotes if the value is a plain word. A bare word is searched for as in Text.
	Match string
	// Problem says why the filter cannot be applied; empty if it can.
	Problem string

	words    []string
	matchers []*labels.Matcher
}

// MaxLength bounds what is typed, in bytes.
const MaxLength = 500

// NewFilter reads q and match.
func NewFilter(q url.Values) Filter {
	f := Filter{Text: q.Get("q"), Match: strings.TrimSpace(q.Get("match"))}
	if len(f.Text) > MaxLength || len(f.Match) > MaxLength {
		f.Text, f.Match = "", ""
		f.Problem = fmt.Sprintf("the filter is too long, expected at most %d bytes", MaxLength)
		return f
	}
	f.words = strings.Fields(strings.ToLower(f.Text))
	selector := f.Match
	f.Text, f.Match = human.Line(f.Text, MaxLength), human.Line(f.Match, MaxLength)
	if selector == "" {
		return f
	}
	selector, words := completeSelector(selector)
	if len(words) > 0 {
		f.words = append(f.words, words...)
		if selector == "{}" {
			return f
		}
	}
	// After an error the parser returns what it has read so far, with nil among it.
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil || slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return m.Name == labels.MetricName }) {
		f.Problem = fmt.Sprintf("%s is not a label matcher; expected e.g. namespace=%q, job=~%q", human.Line(strconv.Quote(f.Match), 100), "prod", "a|b")
		return f
	}
	f.matchers = matchers
	return f
}

// HasWords reports whether the filter searches texts.
func (f Filter) HasWords() bool { return len(f.words) > 0 }

// Passes reports whether an entry with these labels and texts passes the filter.
// Nothing passes a filter with a problem, because the full list would look like
// the narrowed one.
func (f Filter) Passes(ls labels.Labels, texts ...string) bool {
	if f.Problem != "" || !Matches(f.matchers, ls) {
		return false
	}
	if len(f.words) == 0 {
		return true
	}
	var b strings.Builder
	ls.Range(func(l labels.Label) { b.WriteString(l.Value + "\n") })
	for _, t := range texts {
		b.WriteString(t + "\n")
	}
	all := strings.ToLower(b.String())
	for _, w := range f.words {
		if !strings.Contains(all, w) {
			return false
		}
	}
	return true
}

// Matches reports whether labels agree with all matchers.
func Matches(ms []*labels.Matcher, ls labels.Labels) bool {
	for _, m := range ms {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}
