package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// post sends a body and reads the answer until it ends, or for a time of life.
func (c *crowd) post(path, body string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(c.ctx, max(time.Duration(float64(patience)/c.speed), time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, strings.NewReader(body))
	if err != nil {
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// configure writes and reads a key of etcd, and watches it for a while.
func (c *crowd) configure() {
	c.post("/v3/kv/put", `{"key": "YmFy", "value": "MQ=="}`, time.Minute)
	c.post("/v3/kv/range", `{"key": "YmFy"}`, time.Minute)
	c.post("/v3/watch", `{"create_request": {"key": "YmFy"}}`, c.stay)
}

// chart writes some samples and looks at them.
func (c *crowd) chart() {
	now := time.Now().UnixMilli()
	c.post("/api/v1/import/prometheus", fmt.Sprintf("museum_visitors{room=\"%d\"} 3 %d\n", now%50, now), time.Minute)
	for range 5 {
		c.get("/api/v1/query_range?step=15s&query=" + url.QueryEscape("sum(rate(museum_visitors[5m])) by (room)"))
		if !c.sleep(20 * time.Second) {
			return
		}
	}
}
