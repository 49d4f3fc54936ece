package app

import (
	"fmt"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/web/pages"
)

// pageLinks are where the pages lead.
func pageLinks(c config.Links) (pages.Links, error) {
	out := pages.Links{Alertmanager: c.Alertmanager}
	for i, s := range c.Source {
		link := pages.SourceLink{Prefix: s.Prefix, URL: alerting.Address(s.URL)}
		if len(s.Matchers) > 0 {
			var err error
			if link.Matchers, err = config.ParseMatchers(s.Matchers); err != nil {
				return out, fmt.Errorf("links.source[%d].matchers: %w", i, err)
			}
		}
		out.Source = append(out.Source, link)
	}
	return out, nil
}
