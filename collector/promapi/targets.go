package promapi

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	jsoniter "github.com/json-iterator/go"

	"github.com/gorowatch/gorowatch/collector"
)

// targetList remembers the targets of the latest answer by their text: most of
// them are in the next one too.
type targetList struct {
	mtx    sync.Mutex
	seed   [2]maphash.Seed
	byText map[key]collector.ScrapeTarget
}

// Targets lists what the Prometheus scrapes now. An error of
// collector.ReasonNotFound: the engine has no such list.
func (s *Source) Targets(ctx context.Context) ([]collector.ScrapeTarget, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	out, err := s.targets.get(ctx, s.client)
	if err != nil {
		err = explain(err)
		return nil, &collector.Error{
			Reason: collector.ReasonOf(err),
			Err:    fmt.Errorf("prometheus %s: targets: %w", collector.RedactURL(s.o.URL), err),
		}
	}
	return out, nil
}

func (l *targetList) get(ctx context.Context, c *client) ([]collector.ScrapeTarget, error) {
	l.mtx.Lock()
	defer l.mtx.Unlock()
	if l.byText == nil {
		l.seed = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}
	}
	target := strings.TrimSuffix(c.url, "query_range") + "targets?state=active"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
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
	var a answer
	var out []collector.ScrapeTarget
	known := make(map[key]collector.ScrapeTarget, len(l.byText))
	metric, address := make([]byte, 0, 512), make([]byte, 0, 128)
	one := func(it *jsoniter.Iterator) bool {
		metric, address = metric[:0], address[:0]
		it.ReadObjectCB(func(it *jsoniter.Iterator, field string) bool {
			switch field {
			case "labels":
				metric = it.SkipAndAppendBytes(metric)
			case "scrapeUrl":
				address = append(address, it.ReadStringAsSlice()...)
			default:
				it.Skip()
			}
			return it.Error == nil
		})
		n := len(metric)
		metric = append(metric, address...)
		id := key{maphash.Bytes(l.seed[0], metric), maphash.Bytes(l.seed[1], metric)}
		t, ok := l.byText[id]
		if !ok {
			u, err := url.Parse(string(address))
			if err != nil || u.Host == "" {
				return it.Error == nil // not HTTP: nothing that could have profiles
			}
			t = collector.ScrapeTarget{Labels: instanceLabels(metric[:n]), URL: u}
		}
		known[id] = t
		out = append(out, t)
		return it.Error == nil
	}
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
				if field == "activeTargets" && it.WhatIsNext() == jsoniter.ArrayValue {
					it.ReadArrayCB(one)
				} else {
					it.Skip()
				}
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
	if a.status != "success" {
		a.kind = "matrix"
		return nil, a.failure(resp.StatusCode)
	}
	l.byText = known
	return out, nil
}
