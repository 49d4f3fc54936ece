package promapi

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
)

// guard stands between the API client and the network. It turns what is no
// answer of a Prometheus into an error in plain words.
type guard struct{ next http.RoundTripper }

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := refuse(req, resp); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// refuse is the error for a response that the API client cannot put in words
// that help. Errors as Prometheus writes them (JSON) are its own business, and
// so are redirects and the statuses after which it tries GET instead of POST.
func refuse(req *http.Request, resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	retried := req.Method == http.MethodPost && refusesPost(resp.StatusCode)
	switch {
	case retried || resp.StatusCode/100 == 3:
		return nil
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return unauthorized(resp)
	case resp.StatusCode == http.StatusTooManyRequests:
		return statusError(resp, "")
	case kind == "application/json":
		return nil
	case resp.StatusCode/100 != 2 && kind == "text/plain":
		return statusError(resp, explanation(resp))
	case resp.StatusCode/100 != 2:
		return statusError(resp, "")
	case kind == "text/html":
		return answer.ErrWebPage
	}
	return nil
}

// explanation is what a server says of its failure.
func explanation(resp *http.Response) string {
	return strings.TrimSpace(collector.Brief(fetch.Explanation(resp), 200))
}

// unauthorized says where the login belongs. Mimir, Cortex and Loki answer like
// that, too, when no tenant is named.
func unauthorized(resp *http.Response) error {
	code, said := fetch.StatusText(resp.StatusCode), explanation(resp)
	if strings.Contains(said, "no org id") {
		return collector.Errorf(collector.ReasonUnauthorized, "%s: it wants a tenant: set prometheus.http_headers in the configuration, or http_headers in the file of --http.config.file, to {X-Scope-OrgID: {values: [TENANT]}}", code)
	}
	problem := "it wants a login"
	if resp.StatusCode == http.StatusForbidden {
		problem = "it wants a login that may query"
	}
	return collector.Errorf(collector.ReasonUnauthorized, "%s: %s: set prometheus.authorization or prometheus.basic_auth in the configuration, or pass --http.config.file to gorowatch scan", code, problem)
}

// statusError is the error for a status other than 2xx. explained is what the
// server says of it.
func statusError(resp *http.Response, explained string) error {
	code, text := resp.StatusCode, fetch.StatusText(resp.StatusCode)
	reason := fetch.ReasonOfStatus(code)
	switch {
	case code == http.StatusTooManyRequests:
		text += ": it limits how much is asked"
	case code == http.StatusNotFound:
		return collector.Errorf(reason, "%s: no Prometheus API there, expected the URL without /api/v1", text)
	case fetch.IsUnavailable(code):
		text += ": it, or a proxy in front of it, is not available"
	}
	if explained != "" {
		text += ": " + explained
	}
	if code == http.StatusTooManyRequests || fetch.IsUnavailable(code) {
		return &busyError{reason: reason, after: fetch.RetryAfter(resp, time.Now()), text: text}
	}
	return &collector.Error{Reason: reason, Err: errors.New(text)}
}

// refusesPost tells the statuses after which GET is tried instead of POST, as the
// API client of Prometheus does.
func refusesPost(code int) bool {
	return code == http.StatusForbidden || code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented
}

// busyError is that of a server that may have time later: after a while that it
// has said, or 0.
type busyError struct {
	reason collector.Reason
	after  time.Duration
	text   string
}

func (e *busyError) Error() string {
	if e.after > 0 {
		return fmt.Sprintf("%s, it asks to come back after %s", e.text, e.after)
	}
	return e.text
}

// explain gives an error of the API client or of ours its reason.
func explain(err error) error {
	var known *collector.Error
	var busy *busyError
	var e *v1.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &busy):
		return &collector.Error{Reason: busy.reason, Err: busy}
	case errors.As(err, &e):
		return collectorError(e.Type, e.Msg)
	}
	reason := collector.NetworkReason(err)
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err // its URL may hold a password
	}
	if reason == collector.ReasonOther { // the client's JSON decoder has no type of its own
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: %s", collector.Brief(err.Error(), answer.MaxText))
	}
	return &collector.Error{Reason: reason, Err: err}
}

// collectorError is an error as Prometheus writes it.
func collectorError(kind v1.ErrorType, text string) error {
	kind, text = v1.ErrorType(collector.Brief(string(kind), answer.MaxText)), collector.Brief(text, answer.MaxText)
	reason := collector.ReasonStatus
	switch kind {
	case v1.ErrBadResponse:
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: %s", text)
	case v1.ErrBadData: // the expression or the times, which no second attempt makes better
		reason = collector.ReasonBadData
	case v1.ErrTimeout, v1.ErrCanceled:
		reason = collector.ReasonTimeout
	}
	return &collector.Error{Reason: reason, Err: fmt.Errorf("%s: %s", kind, text)}
}
