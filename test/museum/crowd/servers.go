package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// post sends a body and reads the answer until it ends, or for a time of life.
func (c *crowd) post(path, body string, patience time.Duration) {
	c.send(http.MethodPost, path, body, patience)
}

// send sends a request and reads the answer until it ends, or for a time of life. It returns
// the headers; nil: there was no answer.
func (c *crowd) send(method, path, body string, patience time.Duration) http.Header {
	ctx, cancel := context.WithTimeout(c.ctx, max(time.Duration(float64(patience)/c.speed), time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.Header
}

// discover is an instance of a service for some minutes. It registers itself with Consul, keeps
// its check alive, and waits for changes of another service, as sidecars and proxies do.
func (c *crowd) discover() {
	service, id := rand.IntN(20), rand.Int64()
	stay := time.Duration(2+rand.IntN(6)) * time.Minute
	c.send(http.MethodPut, "/v1/agent/service/register", fmt.Sprintf(`{"Name": "shop-%d", "ID": "%d", "Port": 80, "Check": {"CheckID": "%[2]d", "TTL": "1h"}}`, service, id), time.Minute)
	defer c.send(http.MethodPut, fmt.Sprintf("/v1/agent/service/deregister/%d", id), "", time.Minute)
	index := "0"
	for end := time.Now().Add(time.Duration(float64(stay) / c.speed)); time.Now().Before(end); {
		c.send(http.MethodPut, fmt.Sprintf("/v1/agent/check/pass/%d", id), "", time.Minute)
		c.send(http.MethodPut, fmt.Sprintf("/v1/kv/shop/%d", service), "open", time.Minute)
		wait := max(time.Duration(float64(time.Minute)/c.speed), time.Second)
		path := fmt.Sprintf("/v1/health/service/shop-%d?wait=%s&index=%s", rand.IntN(20), wait, index)
		h := c.send(http.MethodGet, path, "", 2*time.Minute)
		if index = h.Get("X-Consul-Index"); index == "" {
			index = "0"
		}
		if !c.sleep(2 * time.Second) {
			return
		}
	}
}

// configure writes and reads a key of etcd, and watches it for a while.
func (c *crowd) configure() {
	c.post("/v3/kv/put", `{"key": "YmFy", "value": "MQ=="}`, time.Minute)
	c.post("/v3/kv/range", `{"key": "YmFy"}`, time.Minute)
	c.post("/v3/watch", `{"create_request": {"key": "YmFy"}}`, c.stay)
}

// apply makes an object of a Kubernetes API server, lists all of them and changes its own for
// some minutes, watches them in between, and deletes it, as a client does that deploys
// something.
func (c *crowd) apply() {
	const path = "/api/v1/namespaces/default/configmaps"
	name := fmt.Sprintf("visitor-%d", rand.Int64())
	object := func(step int) string {
		return fmt.Sprintf(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": %q}, "data": {"step": "%d"}}`, name, step)
	}
	c.post(path, object(0), time.Minute)
	defer c.send(http.MethodDelete, path+"/"+name, "", time.Minute)
	for step := range 2 + rand.IntN(4) {
		c.get(path + "?limit=50")
		c.send(http.MethodPut, path+"/"+name, object(step), time.Minute)
		c.send(http.MethodGet, path+"?watch=true", "", c.stay)
		if !c.sleep(5 * time.Second) {
			return
		}
	}
}

// alert sends an alert of one of many jobs every minute until it is over, and lists the
// open ones, as a Prometheus and people on call do.
func (c *crowd) alert() {
	job := rand.IntN(200)
	for range 20 {
		now := time.Now()
		ends := now.Add(time.Duration(float64(4*time.Minute) / c.speed))
		c.post("/api/v2/alerts", fmt.Sprintf(`[{"labels": {"alertname": "MuseumIsFull", "job": "room-%d"}, "startsAt": %q, "endsAt": %q}]`,
			job, now.Format(time.RFC3339), ends.Format(time.RFC3339)), time.Minute)
		c.get("/api/v2/alerts/groups")
		if !c.sleep(time.Minute) {
			return
		}
	}
}

// chart writes some samples and reads them.
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
