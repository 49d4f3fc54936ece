package post

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/common/version"

	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/internal/backoff"
	"github.com/gorowatch/gorowatch/internal/human"
)

// RetryPolicy returns how long to wait before another attempt at an Alertmanager, a
// webhook or the bucket. The waits vary, so that many who failed together do not
// return together.
func RetryPolicy() backoff.Policy {
	return backoff.Policy{First: 500 * time.Millisecond, Max: 30 * time.Second, Jitter: 0.1}
}

// Confine returns a client for deliveries, which follows no redirect that would
// repeat the request with another method: one to a log-in page would end in a 200
// from something that is not the receiver. The advice is for the error message.
func Confine(c *http.Client, advice string) *http.Client {
	return fetch.Confine(c, fetch.Rules{Advice: advice, SameMethod: true})
}

// JSON posts a JSON document. Its error is an *Error and does not show the URL.
func JSON(ctx context.Context, client *http.Client, timeout time.Duration, rawURL string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, rawURL, bytes.NewReader(body))
	if err != nil {
		return NewError(withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "gorowatch/"+version.Version)
	resp, err := client.Do(req)
	if err != nil {
		return &Error{failure: connectionFailure(err), err: withoutURL(err)}
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return &Error{
		failure: failureOfStatus(resp.StatusCode), err: statusError(resp), status: resp.StatusCode, retryAfter: fetch.RetryAfter(resp, time.Now()),
	}
}

// statusError says with which status a receiver answered, and with what
// explanation.
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

// withoutURL removes the URL, which may hold a secret, from an error of net/http.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
