package pages

import (
	"net/url"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// serviceURL returns the address of the page of a service.
func (h *Handler) serviceURL(service labels.Labels) string {
	return h.base + "/services/" + view.ServiceID(service)
}

// chartURL returns the address of the data of a service's chart. leakID is the leak that it shows, if any.
func (h *Handler) chartURL(service labels.Labels, leakID string) string {
	u := h.base + "/api/v1/services/" + view.ServiceID(service) + "/history"
	if leakID != "" {
		u += "?leak=" + url.QueryEscape(leakID)
	}
	return u
}

// profileURL returns the link to a profile. Like all links within the pages it has no host, so that it
// works under every name that gorowatch is reached by.
func (h *Handler) profileURL(key string) string {
	return h.base + "/" + strings.TrimLeft(alerting.ProfileURL(&url.URL{Path: "/"}, key), "/")
}

// labelLink is a label, with a link to a list of what has that label.
type labelLink struct{ Name, Value, URL string }

// labelLinks returns links to a list page, each narrowed to one of the labels ls.
func (h *Handler) labelLinks(page string, ls labels.Labels) (all []labelLink) {
	ls.Range(func(l labels.Label) {
		m := labels.MustNewMatcher(labels.MatchEqual, l.Name, l.Value).String()
		x := labelLink{Name: human.Line(l.Name, maxName), Value: human.Line(l.Value, maxName), URL: h.base + page}
		if len(m) <= query.MaxLength {
			x.URL += "?" + url.Values{"match": {m}}.Encode()
		}
		all = append(all, x)
	})
	return all
}
