package actions

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/forge"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// Links are the addresses of other tools that the pages link to. All may be empty.
type Links struct {
	Source  []SourceLink
	Compare []CompareLink
	// Alertmanager is its address for people.
	Alertmanager string
	// Issues are the addresses for new issues.
	Issues []IssueLink
	// Owners are the rules for owners of services. The first match with a name counts.
	Owners []OwnerRule
}

// SourceLink is the address of the source of some services.
type SourceLink struct {
	Matchers []*labels.Matcher
	// Prefix of the files that it is about.
	Prefix string
	// URL has {version}, {path} and {line}.
	URL alerting.Address
	// History has the commits of the files; nil: no forge is asked.
	History *forge.History
}

// CompareLink is the address of the comparison of two versions of some services.
type CompareLink struct {
	Matchers []*labels.Matcher
	// URL has {previous}, {version} and the labels of the service.
	URL alerting.Address
}

// maxLink is the longest link to elsewhere, in bytes.
const maxLink = view.MaxLink

// SourceOf returns the link to a line of a service's source, or nothing if no rule matches.
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

// SourceTemplate is the address of files with a prefix. {path}, which follows the prefix, and
// {line} still have to be filled in.
type SourceTemplate struct {
	Prefix string `json:"prefix"`
	URL    string `json:"url"`
}

// SourcesOf returns the templates for the files of a service, the first that fits a file
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

// Silence returns the link to Alertmanager's page for a new silence of a leak, with the comment
// filled in; empty: Alertmanager's address for people is not known.
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
