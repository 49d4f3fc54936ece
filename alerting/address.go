package alerting

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Address is a template of an address: a name in braces stands for a value.
type Address string

// placeholder is a name in an Address.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// Fill replaces each name by its value, as it is. What would be longer than most
// bytes is no address: empty.
func (a Address) Fill(most int, value func(name string) string) string {
	s := placeholder.ReplaceAllStringFunc(string(a), func(p string) string { return value(p[1 : len(p)-1]) })
	if len(s) > most {
		return ""
	}
	return s
}

// Of is the address for a service and a span of time. The names are those of
// its labels, {from} and {to}: milliseconds, as Grafana takes them, and "now"
// for the end of a span that goes on, which is the zero time.
func (a Address) Of(most int, service labels.Labels, from, to time.Time) string {
	return a.Fill(most, func(name string) string {
		switch {
		case name == "from":
			return strconv.FormatInt(from.UnixMilli(), 10)
		case name == "to" && to.IsZero():
			return "now"
		case name == "to":
			return strconv.FormatInt(to.UnixMilli(), 10)
		}
		// A space as %20 is right in the path and in the query.
		return strings.ReplaceAll(url.QueryEscape(service.Get(name)), "+", "%20")
	})
}
