package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gorowatch/gorowatch/internal/human"
)

// filter narrows a list: by words, all of which must be found, and by matchers
// of labels. It is in the URL, so that a list can be sent to somebody.
type filter struct {
	Text string
	// Match is as typed: job="a", namespace=~"prod|staging"; with or without
	// braces.
	Match string
	// Problem says why Match is none.
	Problem string

	words    []string
	matchers []*labels.Matcher
}

// maxFilter bounds what is typed, in bytes.
const maxFilter = 500

func newFilter(q url.Values) filter {
	f := filter{Text: q.Get("q"), Match: strings.TrimSpace(q.Get("match"))}
	if len(f.Text) > maxFilter || len(f.Match) > maxFilter {
		f.Text, f.Match = "", ""
		f.Problem = fmt.Sprintf("the filter is too long, expected at most %d bytes", maxFilter)
		return f
	}
	f.words = strings.Fields(strings.ToLower(f.Text))
	selector := f.Match
	f.Text, f.Match = human.Line(f.Text, maxFilter), human.Line(f.Match, maxFilter)
	if selector == "" {
		return f
	}
	if !strings.HasPrefix(selector, "{") {
		selector = "{" + selector + "}"
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

// passes tells whether what has these labels, and can be found by these texts,
// is wanted. Nothing passes a filter with a mistake: a list of everything would
// look like the narrowed one.
func (f filter) passes(ls labels.Labels, texts ...string) bool {
	if f.Problem != "" || !matches(f.matchers, ls) {
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

// pager is one page of a list.
type pager struct {
	Total, From, To  tally // From is 1 for the first
	Page, Pages      int
	Previous, Next   string // query of the page, empty: there is none
	offset, sizeSeen int
}

// newPager is the page of a request, of so many items.
func newPager(r *http.Request, total, size int) pager {
	p := pager{Total: tally(total), Pages: max(1, (total+size-1)/size), Page: 1}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		p.Page = min(max(n, 1), p.Pages)
	}
	p.offset = (p.Page - 1) * size
	p.sizeSeen = min(size, total-p.offset)
	p.From, p.To = tally(min(p.offset+1, total)), tally(p.offset+p.sizeSeen)
	if p.Page > 1 {
		p.Previous = with(r, "page", strconv.Itoa(p.Page-1))
	}
	if p.Page < p.Pages {
		p.Next = with(r, "page", strconv.Itoa(p.Page+1))
	}
	return p
}

// part is the page's part of all items.
func part[T any](all []T, p pager) []T { return all[p.offset : p.offset+p.sizeSeen] }

// parameters are those that the links of a list keep.
var parameters = []string{"q", "match", "resolved", "state", "page"}

// with is the query of a request with one parameter changed; an empty value
// takes it away.
func with(r *http.Request, name, value string) string {
	have, q := r.URL.Query(), url.Values{}
	for _, k := range parameters {
		if v := have.Get(k); v != "" && len(v) <= maxFilter {
			q.Set(k, v)
		}
	}
	q.Del("page")
	if value == "" {
		q.Del(name)
	} else {
		q.Set(name, value)
	}
	return "?" + q.Encode()
}
