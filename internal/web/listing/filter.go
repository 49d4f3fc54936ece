package listing

import (
	"net/http"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
)

// FilterForm narrows a list. It works without a script, because its state is in the address.
type FilterForm struct {
	query.Filter
	// Kept are the other parameters of the list, which the form keeps.
	Kept    []Pair
	Choices []choice
	// Active means that the list is narrowed; Clear leads to the whole list.
	Active bool
	Clear  string
}

// choice is a parameter with a few values.
type choice struct {
	Label, Name string
	Options     []option
}

type option struct {
	Value, Text string
	Chosen      bool
}

// maxOptions bounds the values that a choice offers.
const maxOptions = 100

// NewFilterForm makes the form for a list; own are the parameters that it sets itself.
func NewFilterForm(r *http.Request, f query.Filter, own ...string) FilterForm {
	form := FilterForm{Filter: f, Clear: r.URL.Path}
	q := r.URL.Query()
	isOwn := map[string]bool{"page": true}
	for _, name := range own {
		isOwn[name] = true
		form.Active = form.Active || q.Get(name) != ""
	}
	for _, name := range parameters {
		if v := q.Get(name); v != "" && !isOwn[name] && v == human.Line(v, query.MaxLength) {
			form.Kept = append(form.Kept, Pair{name, v})
		}
	}
	form.Clear = withoutParameters(r, own...)
	return form
}

// Choose adds a choice of a few values, and of all.
func (f *FilterForm) Choose(label, name, chosen string, values []string) {
	c := choice{Label: label, Name: name, Options: []option{{Text: "any"}}}
	for _, v := range values[:min(len(values), maxOptions)] {
		c.Options = append(c.Options, option{Value: v, Text: human.Line(v, 40), Chosen: v == chosen})
	}
	f.Choices = append(f.Choices, c)
}

// Status returns that of an answer with the list.
func (f *FilterForm) Status() int {
	if f.Problem != "" {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// StateLink narrows a list to a state.
type StateLink struct {
	Name, URL string
	Words     string
	N         Tally
	Current   bool
}

// AddState adds the link for a state, if any entry has it or the list is narrowed to it.
func AddState(links []StateLink, r *http.Request, state, chosen string, n int, words string) []StateLink {
	if n == 0 && state != chosen {
		return links
	}
	l := StateLink{Name: state, Words: words, N: Tally(n), URL: WithParameter(r, "state", state), Current: state == chosen}
	if l.Current {
		l.URL = WithParameter(r, "state", "")
	}
	return append(links, l)
}

// SortLink orders a list.
type SortLink struct {
	Name, URL string
	Current   bool
	// Direction is that of the list in terms of aria-sort; empty: it is ordered by another
	// column.
	Direction string
}

// orderWords describe the orders of leaks, by default and reversed.
var orderWords = map[query.Order][2]string{
	query.ByImpact:  {"by impact (growth × instances ÷ hours until one is full), the most first", "by impact, the least first"},
	query.ByNewest:  {"by onset, the newest first", "by onset, the oldest first"},
	query.ByGrowth:  {"by growth per hour, the fastest first", "by growth per hour, the slowest first"},
	query.ByLeaked:  {"by leaked goroutines, the most first", "by leaked goroutines, the fewest first"},
	query.ByService: {"by service, from A to Z", "by service, from Z to A"},
}

// SortLinks returns the links to the same list in other orders, and the words for the present
// one. The link to the present order reverses it.
func SortLinks(r *http.Request, x query.Leaks) (links []SortLink, words string) {
	for _, o := range query.Orders {
		l := SortLink{Name: string(o), Current: o == x.Order}
		up := (o == query.ByService) != x.Reversed
		next := ""
		if l.Current {
			l.Direction = map[bool]string{true: "ascending", false: "descending"}[up]
			if !x.Reversed {
				next = map[bool]string{true: "desc", false: "asc"}[up]
			}
		}
		l.URL = withParameters(r, map[string]string{"sort": string(o), "order": next})
		links = append(links, l)
	}
	words = orderWords[x.Order][0]
	if x.Reversed {
		words = orderWords[x.Order][1]
	}
	return links, words
}
