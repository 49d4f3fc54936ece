package promapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	jsoniter "github.com/json-iterator/go"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
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
	body := &tracked{r: resp.Body}
	it := jsoniter.Parse(jsoniter.ConfigDefault, body, bufferSize)
	a := answer{kind: "matrix"} // of a list there is one kind
	var out []collector.ScrapeTarget
	b := labels.NewScratchBuilder(16)
	it.ReadObjectCB(func(it *jsoniter.Iterator, field string) bool {
		switch {
		case field == "status":
			a.status = it.ReadString()
		case field == "errorType":
			a.errorType = it.ReadString()
		case field == "error":
			a.err = it.ReadString()
		case field == "data" && it.WhatIsNext() == jsoniter.ObjectValue:
			it.ReadObjectCB(func(it *jsoniter.Iterator, field string) bool {
				if field != "activeTargets" || it.WhatIsNext() != jsoniter.ArrayValue {
					it.Skip()
					return it.Error == nil
				}
				it.ReadArrayCB(func(it *jsoniter.Iterator) bool {
					if t, ok := scrapeTarget(it, &b); ok {
						out = append(out, t)
					}
					return it.Error == nil
				})
				return it.Error == nil
			})
		default:
			it.Skip()
		}
		return it.Error == nil
	})
	switch {
	case body.err != nil:
		return nil, body.err
	case it.Error != nil && !errors.Is(it.Error, io.EOF):
		return nil, fmt.Errorf("not JSON as expected: %w", it.Error)
	case a.status == "":
		return nil, errors.New("it ends before its time, or has no status")
	}
	return out, a.failure(resp.StatusCode)
}

// scrapeTarget reads a target; what is not scraped over HTTP could have no
// profiles.
func scrapeTarget(it *jsoniter.Iterator, b *labels.ScratchBuilder) (t collector.ScrapeTarget, ok bool) {
	b.Reset()
	it.ReadObjectCB(func(it *jsoniter.Iterator, field string) bool {
		switch field {
		case "labels":
			readLabels(it, b)
		case "scrapeUrl":
			u, err := url.Parse(it.ReadString())
			if ok = err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"); ok {
				// Not the rest of the address, which would stay in memory with it.
				t.Scheme, t.Host = "http", strings.Clone(u.Host)
				if u.Scheme == "https" {
					t.Scheme = "https"
				}
			}
		default:
			it.Skip()
		}
		return it.Error == nil
	})
	if ok {
		t.Labels = b.Labels()
	}
	return t, ok
}
