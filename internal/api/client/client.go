package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/internal/human"
)

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 8 << 20

// Client asks a gorowatch. It is safe for concurrent use.
type Client struct {
	base *url.URL // of the pages
	http *http.Client
}

// New makes a client for the gorowatch whose pages are at base.
func New(base *url.URL, c *http.Client) *Client { return &Client{base, c} }

// ParseURL parses the address of the pages of a gorowatch.
func ParseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q: expected a URL as http://gorowatch:10980", human.Line(s, 100))
	}
	return u, nil
}

// Page is the address of a page.
func (c *Client) Page(path ...string) string { return c.base.JoinPath(path...).String() }

// Get reads the data of an answer into out. An error has a collector.Reason if the API was
// not reached; see IsTemporary.
func (c *Client) Get(ctx context.Context, query url.Values, out any, path ...string) error {
	u := c.base.JoinPath("api", "v1")
	for _, id := range path {
		// An ID is what somebody typed, or what an agent made up: it must not lead elsewhere.
		if id == "." || id == ".." || strings.ContainsAny(id, "/\\") {
			return collector.Errorf(collector.ReasonBadData, "there is no %q", human.Line(id, 60))
		}
		u = u.JoinPath(url.PathEscape(id))
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		reason := collector.NetworkReason(err)
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the address is said once, without its query
		}
		return c.fail(reason, "%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return c.fail(collector.NetworkReason(err), "the answer broke off: %w", err)
	case len(body) > maxAnswer:
		return c.fail(collector.ReasonTooLarge, "the answer exceeds %d MB; ask for less", maxAnswer>>20)
	}
	return c.read(resp.StatusCode, body, out)
}

// read reads an answer.
func (c *Client) read(code int, body []byte, out any) error {
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	isAPI := json.Unmarshal(body, &answer) == nil && answer.Status != ""
	if isAPI && answer.Status == "success" {
		if err := json.Unmarshal(answer.Data, out); err != nil {
			return c.fail(collector.ReasonBadData, "the answer is of another version of gorowatch: %w", err)
		}
		return nil
	}
	text, isBroken := fetch.StatusText(code), code >= http.StatusInternalServerError && code != http.StatusNotImplemented
	reason := fetch.ReasonOfStatus(code)
	if reason == collector.ReasonStatus && !isBroken {
		reason = collector.ReasonBadData
	}
	switch {
	case isAPI && answer.Error != "":
		if reason == collector.ReasonUnauthorized { // a login does not help
			reason = collector.ReasonOther
		}
		// It is about what was asked for: the address does not matter.
		return collector.Errorf(reason, "%s", human.Line(answer.Error, 500))
	case reason == collector.ReasonUnauthorized:
		return c.fail(reason, "%s: set a login", text)
	case isBroken, reason == collector.ReasonRateLimited:
		return c.fail(reason, "%s", text)
	}
	return c.fail(collector.ReasonBadData, "answers %s with something that is not gorowatch's API; check the URL", text)
}

// fail is an error with the address of the gorowatch, without its password.
func (c *Client) fail(reason collector.Reason, format string, args ...any) error {
	return collector.Errorf(reason, "%s: "+format, append([]any{strings.TrimRight(collector.RedactURL(c.base), "/")}, args...)...)
}

// IsTemporary reports whether asking again may help: the gorowatch cannot be reached, has a
// problem of its own, or wants to be left alone for a moment.
func IsTemporary(err error) bool {
	switch collector.ReasonOf(err) {
	case collector.ReasonRefused, collector.ReasonTimeout, collector.ReasonTruncated, collector.ReasonStatus, collector.ReasonRateLimited:
		return true
	}
	return false
}
