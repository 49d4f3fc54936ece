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

// serviceURL is the page of a service.
func (h *Handler) serviceURL(service labels.Labels) string {
	return h.base + "/services/" + view.ServiceID(service)
}

// chartURL is where the data of the chart of a service is had.
func (h *Handler) chartURL(service labels.Labels, leakID string) string {
	u := h.base + "/api/v1/services/" + view.ServiceID(service) + "/history"
	if leakID != "" {
		u += "?leak=" + url.QueryEscape(leakID)
	}
	return u
}

// profileURL is the link to a profile. It is relative to the external URL's
// path, as all on the pages: it works through whatever name a person came by.
func (h *Handler) profileURL(key string) string {
	return h.base + "/" + strings.TrimLeft(alerting.ProfileURL(&url.URL{Path: "/"}, key), "/")
}

// labelLink is a label that narrows a list.
type labelLink struct{ Name, Value, URL string }

// labelLinks narrow the list on a page to what has a label.
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
