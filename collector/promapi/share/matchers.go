package share

import (
	"cmp"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// Group is the instances that agree on some labels.
type Group struct {
	Labels labels.Labels
	// Series is the number of its series.
	Series float64
	// Own means that they have to be read.
	Own bool
}

// manySelectors is the number of selectors from which more series than needed are read instead.
const manySelectors = 64

// Matchers returns the matchers of selectors that together have the series of all own groups.
// They may include some of other groups, where that saves a query; the caller skips these. The
// length of each, as part of a URL, is at most length bytes.
//
// A selector has the product of the values that it names. So values are added to it as long as
// they bring few series of others.
func Matchers(names []string, groups []Group, length int) []string {
	var out []string
	for _, tolerance := range []float64{0.05, 0.5, math.Inf(1)} {
		c := newCover(names, groups, length, tolerance)
		if out = c.all(); len(out) <= manySelectors {
			break
		}
	}
	return out
}

// cover makes selectors of groups.
type cover struct {
	names     []string // the label with the fewest values first
	length    int
	tolerance float64
	own       []*item
	byValue   []map[string][]*item // of each label: the groups with a value

	// The current selector: its values, its length, and how many own and other series it has.
	values        []map[string]bool
	size          int
	series, extra float64
}

// item is a group.
type item struct {
	values []string
	empty  uint64 // a bit for each missing label
	series float64
	own    bool
	done   bool // a selector has it
}

func newCover(names []string, groups []Group, length int, tolerance float64) *cover {
	c := &cover{names: slices.Clone(names), length: length, tolerance: tolerance}
	distinct := map[string]map[string]bool{}
	for _, name := range names {
		distinct[name] = map[string]bool{}
		for _, g := range groups {
			if g.Own {
				distinct[name][g.Labels.Get(name)] = true
			}
		}
	}
	slices.SortStableFunc(c.names, func(a, b string) int { return len(distinct[a]) - len(distinct[b]) })
	for range c.names {
		c.byValue = append(c.byValue, map[string][]*item{})
	}
	for _, g := range groups {
		x := &item{values: make([]string, len(c.names)), series: g.Series, own: g.Own}
		for i, name := range c.names {
			v := g.Labels.Get(name)
			x.values[i] = v
			if v == "" {
				x.empty |= 1 << (i % 64)
			}
			c.byValue[i][v] = append(c.byValue[i][v], x)
		}
		if x.own {
			c.own = append(c.own, x)
		}
	}
	// A missing label needs another matcher than a value, so it has selectors of its own.
	slices.SortFunc(c.own, func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.empty, b.empty), slices.Compare(a.values, b.values))
	})
	return c
}

func (c *cover) all() (out []string) {
	var last *item
	for _, x := range c.own {
		if x.done {
			continue
		}
		if last == nil || last.empty != x.empty || !c.add(x) {
			if last != nil {
				out = append(out, c.matchers())
			}
			c.begin(x)
		}
		last = x
	}
	if last != nil {
		out = append(out, c.matchers())
	}
	return out
}

// begin begins a selector with a group.
func (c *cover) begin(x *item) {
	c.values, c.size, c.series, c.extra = make([]map[string]bool, len(c.names)), 0, x.series, 0
	for i, v := range x.values {
		c.values[i] = map[string]bool{v: true}
		c.size += escaped(c.names[i]) + len("%3D~%22%22%2C") + c.sizeOf(v)
	}
	x.done = true
}

// add adds a group to the selector, unless that makes it too long or brings too many series of
// others.
func (c *cover) add(x *item) bool {
	var fresh []int // labels whose value the selector does not have yet
	size := c.size
	for i, v := range x.values {
		if !c.values[i][v] {
			fresh = append(fresh, i)
			size += len("%7C") + c.sizeOf(v)
		}
	}
	if size > c.length {
		return false
	}
	for _, i := range fresh {
		c.values[i][x.values[i]] = true
	}
	series, extra := c.series, c.extra
	var more []*item
	for k, i := range fresh {
		for _, y := range c.byValue[i][x.values[i]] {
			if !c.has(y) || slices.ContainsFunc(fresh[:k], func(j int) bool { return y.values[j] == x.values[j] }) {
				continue // not selected, or counted by the label before
			}
			if y.own && !y.done {
				more = append(more, y)
				series += y.series
			} else {
				extra += y.series
			}
		}
	}
	if extra > c.extra && extra > c.tolerance*series {
		for _, i := range fresh {
			delete(c.values[i], x.values[i])
		}
		return false
	}
	for _, y := range more {
		y.done = true
	}
	x.done = true
	c.size, c.series, c.extra = size, series, extra
	return true
}

// has reports whether the selector selects a group.
func (c *cover) has(x *item) bool {
	for i, v := range x.values {
		if !c.values[i][v] {
			return false
		}
	}
	return true
}

// matchers writes the selector.
func (c *cover) matchers() string {
	parts := make([]string, len(c.names))
	for i, name := range c.names {
		values := make([]string, 0, len(c.values[i]))
		for v := range c.values[i] {
			values = append(values, v)
		}
		slices.Sort(values)
		parts[i] = c.matcher(name, values)
	}
	return strings.Join(parts, ",")
}

func (c *cover) matcher(name string, values []string) string {
	if len(values) == 1 && c.size <= c.length {
		return labels.MustNewMatcher(labels.MatchEqual, name, values[0]).String()
	}
	for i, v := range values {
		values[i] = regexp.QuoteMeta(v)
		if c.size > c.length { // of one group, which cannot be divided
			values[i] = c.beginning(v)
		}
	}
	return labels.MustNewMatcher(labels.MatchRegexp, name, strings.Join(values, "|")).String()
}

// anything matches whatever follows the beginning of a long value.
const anything = "(?s:.*)"

// beginning returns an expression for a value that is too long to be written.
func (c *cover) beginning(v string) string {
	room := c.length/len(c.names) - len("%3D~%22%22%2C") - escaped(anything)
	cut := 0
	for i, r := range v {
		n := c.sizeOf(string(r))
		if room -= n; room < 0 {
			return regexp.QuoteMeta(v[:cut]) + anything
		}
		cut = i + len(string(r))
	}
	return regexp.QuoteMeta(v)
}

// sizeOf returns how many bytes a value has in a URL.
func (c *cover) sizeOf(v string) int {
	return escaped(strconv.Quote(regexp.QuoteMeta(v))) - len("%22%22")
}

func escaped(text string) int { return len(url.QueryEscape(text)) }
