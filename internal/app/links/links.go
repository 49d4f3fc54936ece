// Package links makes the links of the pages from the configuration: to the source, to the
// comparison of versions, to issues, and who owns which services.
package links

import (
	"fmt"
	"net/http"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/forge"
	"github.com/gorowatch/gorowatch/internal/web/actions"
)

// NewClient makes the HTTP client of a section of the configuration.
type NewClient func(c commoncfg.HTTPClientConfig, section string) (*http.Client, error)

// New makes the links, and who looks after which services.
func New(c config.Config, client NewClient) (actions.Links, error) {
	out := actions.Links{Alertmanager: c.Links.Alertmanager}
	matchers := func(field string, list []string) ([]*labels.Matcher, error) {
		if len(list) == 0 {
			return nil, nil
		}
		ms, err := config.ParseMatchers(list)
		if err != nil {
			return nil, fmt.Errorf("%s.matchers: %w", field, err)
		}
		return ms, nil
	}
	for i, s := range c.Links.Source {
		ms, err := matchers(fmt.Sprintf("links.source[%d]", i), s.Matchers)
		if err != nil {
			return out, err
		}
		commits, err := history(client, fmt.Sprintf("links.source[%d].commits", i), s)
		if err != nil {
			return out, err
		}
		out.Source = append(out.Source, actions.SourceLink{Matchers: ms, Prefix: s.Prefix, URL: alerting.Address(s.URL), History: commits})
	}
	for i, x := range c.Links.Compare {
		ms, err := matchers(fmt.Sprintf("links.compare[%d]", i), x.Matchers)
		if err != nil {
			return out, err
		}
		out.Compare = append(out.Compare, actions.CompareLink{Matchers: ms, URL: alerting.Address(x.URL)})
	}
	for i, x := range c.Links.Issues {
		ms, err := matchers(fmt.Sprintf("links.issues[%d]", i), x.Matchers)
		if err != nil {
			return out, err
		}
		out.Issues = append(out.Issues, actions.IssueLink{Name: x.Name, Matchers: ms, URL: alerting.Address(x.URL)})
	}
	for i, o := range c.Owners {
		ms, err := matchers(fmt.Sprintf("owners[%d]", i), o.Matchers)
		if err != nil {
			return out, err
		}
		out.Owners = append(out.Owners, actions.OwnerRule{Matchers: ms, Owner: alerting.Address(o.Owner)})
	}
	return out, nil
}

// history asks the forge of a source for commits; nil: it has none.
func history(newClient NewClient, field string, s config.SourceLink) (*forge.History, error) {
	if s.Commits == nil {
		return nil, nil
	}
	client, err := newClient(s.Commits.HTTPClientConfig, field)
	if err != nil {
		return nil, err
	}
	repo, err := forge.NewRepo(forge.Options{Kind: forge.Kind(s.Commits.API), Template: s.URL, API: s.Commits.URL, Client: client})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return forge.NewHistory(repo), nil
}
