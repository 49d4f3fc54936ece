package client

import (
	"context"
	"net/http"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
)

// Targets requests the list of targets, and reads it as it arrives: it has megabytes, of which
// only the labels and the address matter.
func (c *Client) Targets(ctx context.Context) ([]collector.ScrapeTarget, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.url, "query_range")+"targets?state=active", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.o.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out, a, err := answer.Targets(resp.Body)
	if err != nil {
		return nil, err
	}
	a.Kind = kindMatrix // a list has just one kind
	return out, failure(&a, resp.StatusCode)
}
