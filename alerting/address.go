package alerting

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Address is a template of a URL, in which a name in braces stands for a value.
type Address string

// placeholder matches a name in an Address.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// Fill replaces each name by its value, unescaped. It returns an empty string if the result
// would be longer than most bytes.
func (a Address) Fill(most int, value func(name string) string) string {
	s := placeholder.ReplaceAllStringFunc(string(a), func(p string) string { return value(p[1 : len(p)-1]) })
	if len(s) > most {
		return ""
	}
	return s
}

// Of returns the address for a service and a span of time. The names are those of the service's
// labels, and {from} and {to}, in milliseconds as Grafana takes them. If the end is the zero
// time, the span is still open and {to} is "now".
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
		// %20 is a space in both the path and the query.
		return strings.ReplaceAll(url.QueryEscape(service.Get(name)), "+", "%20")
	})
}
