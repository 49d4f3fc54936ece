package client

import (
	"context"
	"net/http"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
)

// Targets asks for the list, and reads it while it comes: it is megabytes, of
// which the labels and the address count.
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
	a.Kind = kindMatrix // of a list there is one kind
	return out, failure(&a, resp.StatusCode)
}
