package actions

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// Links are the addresses of other tools that the pages link to. All may be empty.
type Links struct {
	Source []SourceLink
	// Alertmanager is where people reach it.
	Alertmanager string
	// Issues are where an issue about a leak is opened.
	Issues []IssueLink
	// Owners say who looks after which services; of those that match the first with a
	// name counts.
	Owners []OwnerRule
}

// SourceLink is where the source of some services can be looked at.
type SourceLink struct {
	Matchers []*labels.Matcher
	// Prefix of the files that it is about.
	Prefix string
	// URL has {version}, {path} and {line}.
	URL alerting.Address
}

// maxLink is the longest link to elsewhere, in bytes.
const maxLink = view.MaxLink

// SourceOf is the link to a line of a service's source; empty if there is none.
func (l Links) SourceOf(service labels.Labels, version string, f collector.Frame) string {
	for _, s := range l.Source {
		path, ok := strings.CutPrefix(f.File, s.Prefix)
		if !ok || f.File == "" || f.Line <= 0 || !query.Matches(s.Matchers, service) {
			continue
		}
		return s.URL.Fill(maxLink, func(name string) string {
			switch name {
			case "version":
				return escapePath(cmp.Or(version, "HEAD"))
			case "path":
				return escapePath(strings.TrimLeft(path, "/"))
			case "line":
				return strconv.Itoa(f.Line)
			}
			return ""
		})
	}
	return ""
}

// SourceTemplate is where the source of files with a prefix is: {path}, what follows the
// prefix, and {line} are left to fill in.
type SourceTemplate struct {
	Prefix string `json:"prefix"`
	URL    string `json:"url"`
}

// SourcesOf are the templates for the files of a service, the first that fits a file
// counts.
func (l Links) SourcesOf(service labels.Labels, version string) (out []SourceTemplate) {
	for _, s := range l.Source {
		if !query.Matches(s.Matchers, service) {
			continue
		}
		out = append(out, SourceTemplate{Prefix: s.Prefix, URL: s.URL.Fill(maxLink, func(name string) string {
			if name == "version" {
				return escapePath(cmp.Or(version, "HEAD"))
			}
			return "{" + name + "}"
		})})
	}
	return out
}

// escapePath escapes the segments of a path, so that none leads to a parent folder.
func escapePath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == "." || s == ".." {
			s = strings.ReplaceAll(s, ".", "%2E")
			segments[i] = s
			continue
		}
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

// Silence is the link to Alertmanager's page for a new silence of a leak, with the
// comment filled in; empty: it is not known where people reach Alertmanager.
func (l Links) Silence(of leak.Leak, page string) string {
	if l.Alertmanager == "" {
		return ""
	}
	filter := "{" + strings.Join([]string{
		labels.MustNewMatcher(labels.MatchEqual, labels.AlertName, alerting.AlertName).String(),
		labels.MustNewMatcher(labels.MatchEqual, "leak", of.ID).String(),
	}, ",") + "}"
	s := strings.TrimRight(l.Alertmanager, "/") + "/#/silences/new?filter=" + url.PathEscape(filter)
	if comment := s + "&comment=" + escapeValue(title(of)+" "+page); len(comment) <= maxLink {
		return comment
	}
	if len(s) > maxLink {
		return ""
	}
	return s
}
