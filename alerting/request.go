package alerting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/common/version"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/internal/human"
)

// requestError is why a request to an Alertmanager or a webhook failed.
type requestError struct {
	why failure
	err error
	// code is the status of the answer; 0: there was none.
	code int
	// after is how long the receiver asks to be left alone; 0: it does not ask.
	after time.Duration
}

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// confined returns a client for deliveries. A redirect that does not repeat the
// request, such as one to a log-in page, would end in a 200 from something that
// is not an Alertmanager.
func confined(c *http.Client, advice string) *http.Client {
	return fetch.Confine(c, fetch.Rules{Advice: advice, SameMethod: true})
}

// send posts JSON. The error is a *requestError; it does not show the URL.
func send(ctx context.Context, client *http.Client, timeout time.Duration, rawURL string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, rawURL, bytes.NewReader(body))
	if err != nil {
		return &requestError{why: failOther, err: withoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "gorowatch/"+version.Version)
	resp, err := client.Do(req)
	if err != nil {
		return &requestError{why: connectionFailure(err), err: withoutURL(err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return &requestError{
		why: statusFailure(resp.StatusCode), err: statusError(resp), code: resp.StatusCode, after: fetch.RetryAfter(resp, time.Now()),
	}
}

// statusError says how a receiver answered that took nothing.
func statusError(resp *http.Response) error {
	if resp.StatusCode/100 == 3 {
		if u, err := resp.Location(); err == nil {
			return fmt.Errorf("redirects to %s, which is not followed", &url.URL{Scheme: u.Scheme, Host: u.Host})
		}
	}
	err := fmt.Errorf("answered %s", fetch.StatusText(resp.StatusCode))
	if text := human.Line(fetch.Explanation(resp), 200); text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// statusFailure is the failure that a receiver answers with. Whether it lies in
// the alerts, and which side is to blame, matters to deliveries alone.
func statusFailure(code int) failure {
	switch reason := fetch.ReasonOfStatus(code); {
	case reason == collector.ReasonUnauthorized:
		return failAuth
	case reason == collector.ReasonRedirect:
		return failRedirect
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnprocessableEntity:
		return failRejected
	case code/100 == 4:
		return fail4xx
	case code/100 == 5:
		return fail5xx
	}
	return failOther
}

// connectionFailure is the failure of a request that got no answer.
func connectionFailure(err error) failure {
	var n net.Error
	switch {
	case collector.ReasonOf(err) == collector.ReasonRedirect:
		return failRedirect
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &n) && n.Timeout():
		return failTimeout
	default:
		return failConnection
	}
}

// withoutURL takes the URL, which may hold a secret, out of an error of
// net/http.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// failureOf returns the failure of a request, failOther for any other error.
func failureOf(err error) failure {
	if r, ok := errors.AsType[*requestError](err); ok {
		return r.why
	}
	return failOther
}

// requestedWait returns how long the receiver of a failed request asks to be
// left alone.
func requestedWait(err error) time.Duration {
	if r, ok := errors.AsType[*requestError](err); ok {
		return r.after
	}
	return 0
}

// mayLieInMessage reports whether what a request held may be why it failed, so
// that another request may well succeed. A receiver that is away, overloaded or
// behind a gateway that cannot reach it fails for all alike.
func mayLieInMessage(err error) bool {
	r, ok := errors.AsType[*requestError](err)
	return ok && (r.code/100 == 5 && !fetch.IsUnavailable(r.code) || r.why == failTimeout)
}

// isFinal reports whether trying again soon is of no use. A receiver that is
// busy wants the same request again.
func isFinal(err error) bool {
	r, ok := errors.AsType[*requestError](err)
	if !ok {
		return false
	}
	switch r.code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	switch r.why {
	case failRejected, fail4xx, failAuth, failRedirect:
		return true
	}
	return false
}
