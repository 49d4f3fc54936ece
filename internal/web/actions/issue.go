package actions

import (
	"net/url"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
)

// IssueLink is the address for new issues about leaks of some services.
type IssueLink struct {
	// Name of the tracker, as the link shows it
	Name     string
	Matchers []*labels.Matcher
	// URL has {title}, {body}, {version} and the labels of the service.
	URL alerting.Address
}

// maxIssueLink is the longest link to a new issue, in bytes. Servers refuse longer
// ones: GitHub at 8 KiB.
const maxIssueLink = 7000

// Issue is a link to a new issue.
type Issue struct{ Name, URL string }

// IssuesOf returns the links to new issues about a leak. A text that is too long for a link
// is shortened.
func (l Links) IssuesOf(of leak.Leak, t Text) (out []Issue) {
	for _, link := range l.Issues {
		if !query.Matches(link.Matchers, of.Service) {
			continue
		}
		for _, body := range []string{t.Markdown(of), t.Short(of), t.Page} {
			address := link.URL.Fill(maxIssueLink, func(name string) string {
				switch name {
				case "title":
					return escapeValue(title(of))
				case "body":
					return escapeValue(body)
				case "version":
					return escapeValue(of.Version)
				}
				return escapeValue(of.Service.Get(name))
			})
			if address != "" {
				out = append(out, Issue{Name: human.Line(link.Name, 40), URL: address})
				break
			}
		}
	}
	return out
}

// escapeValue escapes a value of a query. %20 is a space in a path too.
func escapeValue(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// title returns the title of an issue about a leak.
func title(l leak.Leak) string {
	s := "Goroutine leak in " + human.Line(alerting.ServiceName(l.Service), 80)
	if len(l.Stacks) > 0 {
		s += ": " + human.Func(l.Stacks[0].Key.Func, 100)
		if op := l.Stacks[0].Op; op != "" {
			s += " (" + human.Line(op, 40) + ")"
		}
	}
	return s
}
