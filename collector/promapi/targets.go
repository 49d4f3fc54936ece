package promapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
)

// Targets lists what the Prometheus scrapes now. An error of
// collector.ReasonNotFound: the engine has no such list.
func (s *Source) Targets(ctx context.Context) ([]collector.ScrapeTarget, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	out, err := s.client.targets(ctx)
	if err != nil {
		err = explain(err)
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
	out, a, err := answer.Targets(resp.Body)
	if err != nil {
		return nil, err
	}
	a.Kind = kindMatrix // of a list there is one kind
	return out, failure(&a, resp.StatusCode)
}
