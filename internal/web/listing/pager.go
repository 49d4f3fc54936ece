package listing

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/gorowatch/gorowatch/internal/web/query"
)

// Pager is one page of a list.
type Pager struct {
	Total, From, To  Tally // From is 1 for the first
	Page, Pages      int
	Previous, Next   string // query of the page, empty: there is none
	offset, sizeSeen int
}

// NewPager returns the page of a request, for a number of items.
func NewPager(r *http.Request, total, size int) Pager {
	p := Pager{Total: Tally(total), Pages: max(1, (total+size-1)/size), Page: 1}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		p.Page = min(max(n, 1), p.Pages)
	}
	p.offset = (p.Page - 1) * size
	p.sizeSeen = min(size, total-p.offset)
	p.From, p.To = Tally(min(p.offset+1, total)), Tally(p.offset+p.sizeSeen)
	if p.Page > 1 {
		p.Previous = WithParameter(r, "page", strconv.Itoa(p.Page-1))
	}
	if p.Page < p.Pages {
		p.Next = WithParameter(r, "page", strconv.Itoa(p.Page+1))
	}
	return p
}

// PageOf returns the page's part of all items.
func PageOf[T any](all []T, p Pager) []T { return all[p.offset : p.offset+p.sizeSeen] }

// parameters are those that the links of a list keep.
var parameters = []string{"q", "match", "state", "evidence", "version", "sort", "order", "group", "resolved", "page"}

// WithParameter returns the query of a request with one parameter changed. An empty
// value removes it.
func WithParameter(r *http.Request, name, value string) string {
	return withParameters(r, map[string]string{name: value})
}

// withoutParameters returns the query of a request without some parameters.
func withoutParameters(r *http.Request, names ...string) string {
	changed := map[string]string{}
	for _, name := range names {
		changed[name] = ""
	}
	return withParameters(r, changed)
}

// withParameters returns the query of a request with some parameters changed, from the
// first page on unless that is one of them.
func withParameters(r *http.Request, changed map[string]string) string {
	have, q := r.URL.Query(), url.Values{}
	for _, k := range parameters {
		if v := have.Get(k); v != "" && len(v) <= query.MaxLength {
			q.Set(k, v)
		}
	}
	q.Del("page")
	for name, value := range changed {
		if value == "" {
			q.Del(name)
		} else {
			q.Set(name, value)
		}
	}
	return "?" + q.Encode()
}
