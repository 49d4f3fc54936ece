package promapi

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/apierror"
)

// Targets lists what the Prometheus scrapes now. An error of
// collector.ReasonNotFound: the engine has no such list.
func (s *Source) Targets(ctx context.Context) ([]collector.ScrapeTarget, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	out, err := s.client.targets(ctx)
	if err != nil {
		err = apierror.Explain(err)
		return nil, &collector.Error{
			Reason: collector.ReasonOf(err),
			Err:    fmt.Errorf("prometheus %s: targets: %w", collector.RedactURL(s.o.URL), err),
		}
	}
	return out, nil
}

// targets asks for the list, and reads it while it comes: it is megabytes, of
// which the labels and the address count.
func (c *client) targets(ctx context.Context) ([]collector.ScrapeTarget, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.url, "query_range")+"targets?state=active", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var out []collector.ScrapeTarget
	a, err := readAnswer(resp.Body, func(d *decoder, _ *answer) error {
		return d.object(func(key string) error {
			if key != "activeTargets" {
				return d.SkipValue()
			}
			return d.array(func() error {
				t, ok, err := d.scrapeTarget()
				if ok {
					out = append(out, t)
				}
				return err
			})
		})
	})
	if err != nil {
		return nil, err
	}
	a.kind = kindMatrix // of a list there is one kind
	return out, a.failure(resp.StatusCode)
}

// scrapeTarget reads a target; what is not scraped over HTTP could have no
// profiles.
func (d *decoder) scrapeTarget() (t collector.ScrapeTarget, ok bool, err error) {
	err = d.object(func(key string) (err error) {
		switch key {
		case "labels":
			_, t.Labels, err = d.labels()
		case "scrapeUrl":
			var text string
			text, err = d.text()
			u, invalid := url.Parse(text)
			if ok = invalid == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"); ok {
				// Not the rest of the address, which would stay in memory with it.
				t.Scheme, t.Host = "http", strings.Clone(u.Host)
				if u.Scheme == "https" {
					t.Scheme = "https"
				}
			}
		case "lastError":
			var text string
			text, err = d.text()
			t.Unreachable = isRefused(text)
		default:
			err = d.SkipValue()
		}
		return err
	})
	ok = ok && len(t.Host) <= collector.MaxLabelBytes && collector.LabelsProblem(t.Labels) == ""
	return t, ok, err
}

// isRefused tells whether a scrape failed because the host answered that nothing
// listens there, by the text of the error on Unix and on Windows.
func isRefused(lastError string) bool {
	return strings.HasSuffix(lastError, "connection refused") || strings.HasSuffix(lastError, "actively refused it.")
}
