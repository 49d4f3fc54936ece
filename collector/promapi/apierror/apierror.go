package apierror

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
)

// Guard stands between the API client and the network. It turns responses that are no answer of
// a Prometheus into an error in plain words.
type Guard struct{ Next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (g *Guard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := g.Next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := refuse(req, resp); err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// refuse returns the error for a response that the API client would not explain well. Errors as
// Prometheus writes them (JSON) pass, and so do redirects and the statuses after which the
// client tries GET instead of POST.
func refuse(req *http.Request, resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	retried := req.Method == http.MethodPost && RefusesPost(resp.StatusCode)
	switch {
	case retried || resp.StatusCode/100 == 3:
		return nil
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return unauthorized(resp)
	case resp.StatusCode == http.StatusTooManyRequests:
		return OfStatus(resp, "")
	case kind == "application/json":
		return nil
	case resp.StatusCode/100 != 2 && kind == "text/plain":
		return OfStatus(resp, explanation(resp))
	case resp.StatusCode/100 != 2:
		return OfStatus(resp, "")
	case kind == "text/html":
		return ErrWebPage
	}
	return nil
}

// MaxText bounds the bytes of a text of the server in an error.
const MaxText = 500

// ErrWebPage and ErrEmpty are for successful responses that are no answer of a Prometheus.
var (
	ErrWebPage = collector.Errorf(collector.ReasonBadData, "answered with a web page: is this the URL of a Prometheus, or is a login in front of it?")
	ErrEmpty   = collector.Errorf(collector.ReasonBadData, "answered with an empty body: is this the URL of a Prometheus, without /api/v1?")
)

// explanation returns a server's own explanation of its failure.
func explanation(resp *http.Response) string {
	return strings.TrimSpace(collector.Brief(fetch.Explanation(resp), 200))
}

// unauthorized says where the login belongs. Mimir, Cortex and Loki also answer 401 if no
// tenant is named.
func unauthorized(resp *http.Response) error {
	code, explained := fetch.StatusText(resp.StatusCode), explanation(resp)
	if strings.Contains(explained, "no org id") {
		return collector.Errorf(collector.ReasonUnauthorized, "%s: it wants a tenant: set prometheus.http_headers in the configuration, or http_headers in the file of --http.config.file, to {X-Scope-OrgID: {values: [TENANT]}}", code)
	}
	problem := "it wants a login"
	if resp.StatusCode == http.StatusForbidden {
		problem = "it wants a login that may query"
	}
	return collector.Errorf(collector.ReasonUnauthorized, "%s: %s: set prometheus.authorization or prometheus.basic_auth in the configuration, or pass --http.config.file to gorowatch scan", code, problem)
}

// OfStatus returns the error for a status other than 2xx. explained is the server's own
// explanation.
func OfStatus(resp *http.Response, explained string) error {
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
		return &Busy{Reason: reason, After: fetch.RetryAfter(resp, time.Now()), Text: text}
	}
	return &collector.Error{Reason: reason, Err: errors.New(text)}
}

// RefusesPost reports whether to try GET instead of POST, as the API client of Prometheus does.
func RefusesPost(code int) bool {
	return code == http.StatusForbidden || code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented
}

// Busy is the error of a server that may have time later: after the time that it asked for, or
// 0.
type Busy struct {
	Reason collector.Reason
	After  time.Duration
	Text   string
}

// Error implements error.
func (e *Busy) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("%s, it asks to wait %s", e.Text, e.After)
	}
	return e.Text
}

// Explain gives an error of the API client, or of ours, its reason.
func Explain(err error) error {
	var known *collector.Error
	var busy *Busy
	var e *v1.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &busy):
		return &collector.Error{Reason: busy.Reason, Err: busy}
	case errors.As(err, &e):
		return OfType(e.Type, e.Msg)
	}
	reason := collector.NetworkReason(err)
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err // its URL may hold a password
	}
	if reason == collector.ReasonOther { // the client's JSON decoder has no type of its own
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: %s", collector.Brief(err.Error(), MaxText))
	}
	return &collector.Error{Reason: reason, Err: err}
}

// OfType returns an error as Prometheus writes it.
func OfType(kind v1.ErrorType, text string) error {
	kind, text = v1.ErrorType(collector.Brief(string(kind), MaxText)), collector.Brief(text, MaxText)
	reason := collector.ReasonStatus
	switch kind {
	case v1.ErrBadResponse:
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: %s", text)
	case v1.ErrBadData: // the expression or the times; another attempt would end the same way
		reason = collector.ReasonBadData
	case v1.ErrTimeout, v1.ErrCanceled:
		reason = collector.ReasonTimeout
	}
	return &collector.Error{Reason: reason, Err: fmt.Errorf("%s: %s", kind, text)}
}
