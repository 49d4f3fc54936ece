package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
	"github.com/gorowatch/gorowatch/collector/promapi/apierror"
	"github.com/gorowatch/gorowatch/collector/promapi/points"
	"github.com/gorowatch/gorowatch/internal/backoff"
)

// attempts is how often a query is sent to a server that had no time for it. After a failure of
// all attempts it is one, until a query succeeds: a server in trouble does not need more load.
const attempts = 3

// maxQuery bounds the bytes of an expression in an error, so that the message itself is not cut
// off.
const maxQuery = 100

// patience is how long a query waits for a server that sent Retry-After. A longer wait is left
// to the next window, which is refused until then, for up to maxWait.
const (
	patience = 15 * time.Second
	maxWait  = 10 * time.Minute
)

// Options of a Client. All are required but Params.
type Options struct {
	HTTP    *http.Client
	URL     *url.URL
	Params  url.Values    // added to each query
	Timeout time.Duration // of one query
	// Queries counts the queries by result, Duration is how long they took.
	Queries  *prometheus.CounterVec
	Duration prometheus.Observer
}

// Client reads range queries. The API client of Prometheus keeps the whole answer and makes
// each label anew, which takes most of the time.
type Client struct {
	// FirstWait is about how long to wait between the first two attempts; later waits are
	// longer.
	FirstWait time.Duration

	o   Options
	url string // of range queries

	get      atomic.Bool  // the server wants GET
	struggle atomic.Bool  // all attempts of the last query failed
	skew     atomic.Int64 // of the server's clock, as of its latest answer

	mtx       sync.Mutex
	notBefore time.Time // the server asked for no request before this time
}

// New makes a Client. It does not connect.
func New(o Options) *Client {
	u := *o.URL
	u.Path = strings.TrimRight(u.Path, "/") + "/api/v1/query_range"
	u.RawPath, u.RawQuery, u.Fragment = "", "", ""
	return &Client{FirstWait: 625 * time.Millisecond, o: o, url: u.String()}
}

// Reader receives the series of an answer as they arrive.
type Reader interface {
	// BeginPart begins an answer.
	BeginPart()
	// Take takes the labels of a series as written, which are valid until it returns. It
	// returns where the points go; nil: nowhere.
	Take(labels []byte) *[]points.Point
	// End ends the answer.
	End()
	// UndoPart discards the part of an answer that failed.
	UndoPart()
}

// Read evaluates an expression over a range. Its errors have a reason, and name the expression.
func (c *Client) Read(ctx context.Context, expr string, r v1.Range, into Reader) (answer.Answer, error) {
	for attempt := 1; ; attempt++ {
		a, err := c.once(ctx, expr, r, into)
		result := "ok"
		if err != nil {
			result = string(collector.ReasonOf(err))
		}
		c.o.Queries.WithLabelValues(result).Inc()
		if err == nil {
			c.struggle.Store(false)
			return a, nil
		}
		if wait, again := c.nextAttempt(err, attempt); again && backoff.Sleep(ctx, wait) == nil {
			continue
		}
		tried := ""
		if attempt > 1 {
			tried = fmt.Sprintf(" (asked %d times)", attempt)
		}
		return answer.Answer{}, &collector.Error{
			Reason: collector.ReasonOf(err),
			Err:    fmt.Errorf("prometheus %s: query %s: %w%s", collector.RedactURL(c.o.URL), strconv.Quote(collector.Brief(expr, maxQuery)), err, tried),
		}
	}
}

// nextAttempt decides whether a failed query is sent again, and after how long.
func (c *Client) nextAttempt(err error, attempt int) (wait time.Duration, again bool) {
	var busy *apierror.Busy
	switch reason := collector.ReasonOf(err); {
	case errors.As(err, &busy):
	case reason == collector.ReasonTruncated: // by a proxy that restarts
	default:
		return 0, false
	}
	if busy != nil && busy.After > patience {
		c.mtx.Lock()
		c.notBefore = time.Now().Add(min(busy.After, maxWait))
		c.mtx.Unlock()
		return 0, false
	}
	if attempt >= attempts || c.struggle.Load() {
		c.struggle.Store(true)
		return 0, false
	}
	between := backoff.Policy{First: c.FirstWait, Max: patience, Jitter: 0.2}
	wait = between.Wait(attempt)
	if busy != nil {
		wait = max(wait, busy.After)
	}
	return wait, true
}

// once sends a query.
func (c *Client) once(ctx context.Context, expr string, r v1.Range, into Reader) (a answer.Answer, err error) {
	c.mtx.Lock()
	notBefore := c.notBefore
	c.mtx.Unlock()
	if time.Now().Before(notBefore) {
		return a, collector.Errorf(collector.ReasonRateLimited, "it asked for no request before %s", notBefore.UTC().Format("15:04:05 UTC"))
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	form := url.Values{}
	maps.Copy(form, c.o.Params)
	form.Set("query", expr)
	form.Set("start", seconds(r.Start))
	form.Set("end", seconds(r.End))
	form.Set("step", strconv.FormatFloat(r.Step.Seconds(), 'f', -1, 64))
	form.Set("timeout", model.Duration(c.o.Timeout.Truncate(time.Millisecond)).String())
	began := time.Now()
	defer func() { c.o.Duration.Observe(time.Since(began).Seconds()) }()
	resp, err := c.send(ctx, form, !r.Start.Equal(r.End))
	if err != nil {
		return a, apierror.Explain(err)
	}
	defer resp.Body.Close()
	c.checkClock(resp, began)
	into.BeginPart()
	a, err = answer.Decode(resp.Body, into.Take)
	into.End()
	switch {
	case err == nil:
		err = failure(&a, resp.StatusCode)
	case resp.StatusCode/100 != 2 && collector.ReasonOf(err) == collector.ReasonBadData:
		err = apierror.OfStatus(resp, "")
	}
	if err != nil {
		into.UndoPart()
	}
	return a, apierror.Explain(err)
}

// send posts a form, or uses GET if the server refuses POST. A long answer may be compressed. A
// short one, which comes every minute, is cheaper for both sides without.
func (c *Client) send(ctx context.Context, form url.Values, compressed bool) (*http.Response, error) {
	for {
		get := c.get.Load()
		target, body := c.url, form.Encode()
		method := http.MethodPost
		if get {
			method, target, body = http.MethodGet, target+"?"+body, ""
		}
		req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		if !get {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			// A query changes nothing, so it may be repeated after a broken connection.
			req.Header["Idempotency-Key"] = nil
		}
		if !compressed {
			req.Header.Set("Accept-Encoding", "identity")
		}
		resp, err := c.o.HTTP.Do(req)
		if err != nil {
			return nil, err
		}
		if get || !apierror.RefusesPost(resp.StatusCode) {
			return resp, nil
		}
		_ = resp.Body.Close()
		c.get.Store(true)
	}
}

// kindMatrix is the type of the result of a range query.
const kindMatrix = "matrix"

// failure returns the error in an answer, or an error if it is no matrix.
func failure(a *answer.Answer, code int) error {
	switch {
	case a.Status == "success" && a.Kind == kindMatrix:
		return nil
	case a.Status == "success" && a.Kind == "":
		return collector.Errorf(collector.ReasonBadData, "answered without data: is this the URL of a Prometheus?")
	case a.Status == "success":
		return collector.Errorf(collector.ReasonBadData, "answered with a %s instead of a matrix", a.Kind)
	}
	err := apierror.OfType(v1.ErrorType(a.ErrorType), a.Err)
	if fetch.IsUnavailable(code) && v1.ErrorType(a.ErrorType) != v1.ErrTimeout {
		return &apierror.Busy{Reason: collector.ReasonStatus, Text: err.Error()}
	}
	return err
}

// checkClock compares the server's clock with ours. The server stamps its answer at some time
// between the beginning of the query and the header of the answer, so only a date outside of
// that shows a wrong clock.
func (c *Client) checkClock(resp *http.Response, began time.Time) {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || resp.Header.Get("Age") != "" {
		return
	}
	var skew time.Duration
	if now := time.Now(); date.After(now) {
		skew = date.Sub(now)
	} else if latest := date.Add(time.Second); latest.Before(began) { // it has whole seconds
		skew = date.Sub(began)
	}
	c.skew.Store(int64(skew))
}

// Clock says what is wrong with the clocks, if anything.
func (c *Client) Clock() string {
	skew := time.Duration(c.skew.Load()).Round(time.Second)
	if skew.Abs() < time.Minute {
		return ""
	}
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	return fmt.Sprintf("its clock is %s %s that of gorowatch; one of them is wrong, and the newest samples may be missing", skew.Abs(), direction)
}

func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', -1, 64)
}
