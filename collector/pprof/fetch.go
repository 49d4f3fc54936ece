package pprof

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
	"github.com/gorowatch/gorowatch/collector/pprof/dump"
)

// Options of a Fetcher. A zero field takes its default.
type Options struct {
	Limits Limits
	// Timeout bounds a whole fetch, dial to last byte. Default 30 s.
	Timeout time.Duration
	// Now returns the time for a profile without one of its own. Default time.Now.
	Now func() time.Time
}

// Fetcher pulls profiles over HTTP. It is safe for concurrent use and keeps
// nothing between two fetches.
type Fetcher struct {
	limits  Limits
	timeout time.Duration
	now     func() time.Time
}

// New makes a Fetcher.
func New(o Options) *Fetcher {
	f := &Fetcher{limits: o.Limits.WithDefaults(), timeout: cmp.Or(o.Timeout, 30*time.Second), now: o.Now}
	if f.now == nil {
		f.now = time.Now
	}
	return f
}

// Fetch pulls one profile. target is the URL of the goroutine profile; for another kind the
// last element of its path is replaced. debug is 0 for the protocol buffer, 1 or 2.
//
// The client's credentials never leave the target's origin: a redirect to another scheme, host
// or port is refused. Raw of the result is what the target sent; a dump with debug=2 is
// gzipped. Raw is empty for debug=1 and for a heap profile, which has allocations in place of
// goroutines. Errors are *collector.Error and name the URL redacted.
func (f *Fetcher) Fetch(ctx context.Context, client *http.Client, target *url.URL, kind collector.ProfileKind, debug int) (*collector.Profile, error) {
	u := profileURL(target, kind, debug)
	var raw rawCopy
	text := newDumpCopy(maxDumpCopy)
	p, err := f.fetch(ctx, client, u, func(ctx context.Context, body io.Reader) (*collector.Profile, error) {
		memory := f.limits.Account(ctx)
		defer memory.Close()
		limits := f.limits
		limits.Heap = kind == collector.KindHeap
		switch {
		case limits.Heap: // it is searched, not kept
		case debug == 0:
			raw.memory = memory
			body = io.TeeReader(body, &raw)
		case debug == 2:
			body = io.TeeReader(body, text)
		}
		return decodeAll(body, f.now(), limits, memory)
	})
	if err != nil {
		return nil, err
	}
	if p.Kind != kind && !(p.Format == collector.FormatDebug2 && kind == collector.KindGoroutineLeak) {
		return nil, collector.NetworkError(u, collector.Errorf(collector.ReasonNotProfile, "requested a %s profile, got a %s profile", kind, p.Kind))
	}
	p.Kind = kind
	switch {
	case kind == collector.KindHeap:
	case debug == 0:
		p.Raw = raw.Bytes()
	case debug == 2:
		p.Raw = text.bytes()
	}
	return p, nil
}

// rawCopy is a profile as it was sent.
type rawCopy struct {
	bytes.Buffer
	memory *bounds.Account
}

func (c *rawCopy) Write(b []byte) (int, error) {
	before := c.Cap()
	n, _ := c.Buffer.Write(b)
	return n, c.memory.Charge(c.Cap() - before)
}

// Read pulls the profile at u, of any kind and format, and passes its records to keep as the
// function Read does.
func (f *Fetcher) Read(ctx context.Context, client *http.Client, u *url.URL, keep func(collector.Format, *collector.Record) error) (*collector.Profile, error) {
	return f.fetch(ctx, client, u, func(ctx context.Context, body io.Reader) (*collector.Profile, error) {
		return ReadContext(ctx, body, f.now(), f.limits, keep)
	})
}

// fetchRules have no bound: Limits have one, for files too.
var fetchRules = fetch.Rules{Advice: "set scheme, port or path of its targets to where the profiles are"}

// fetch makes one bounded request and passes the body of the answer to read.
func (f *Fetcher) fetch(ctx context.Context, client *http.Client, u *url.URL, read func(context.Context, io.Reader) (*collector.Profile, error)) (*collector.Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	p, err := f.request(ctx, client, u, read)
	if err != nil {
		return nil, collector.NetworkError(u, err)
	}
	return p, nil
}

func (f *Fetcher) request(ctx context.Context, client *http.Client, u *url.URL, read func(context.Context, io.Reader) (*collector.Profile, error)) (*collector.Profile, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, collector.Errorf(collector.ReasonOther, "%w", err)
	}
	// A profile is already compressed. The transport must not decompress it without our limits.
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := fetch.Confine(client, fetchRules).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := statusError(resp, u); err != nil {
		return nil, err
	}
	body := &counted{r: resp.Body}
	p, err := read(ctx, body)
	if p != nil {
		p.Size = body.n
	}
	return p, err
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

// profileURL returns the URL of a kind of profile, from that of the goroutine profile.
func profileURL(target *url.URL, kind collector.ProfileKind, debug int) *url.URL {
	u := *target
	u.Fragment, u.RawFragment = "", ""
	if kind != collector.KindGoroutine {
		u.Path, u.RawPath = path.Join(path.Dir(u.Path), string(kind)), ""
	}
	q := u.Query()
	q.Del("debug")
	if debug > 0 {
		q.Set("debug", strconv.Itoa(debug))
	}
	u.RawQuery = q.Encode()
	return &u
}

// statusError returns the error for a status other than 200, else nil.
func statusError(resp *http.Response, u *url.URL) error {
	code := resp.StatusCode
	if code == http.StatusOK {
		return nil
	}
	return &collector.Error{
		Reason: fetch.ReasonOfStatus(code), RetryAfter: fetch.RetryAfter(resp, time.Now()), Err: errors.New(statusText(resp, u)),
	}
}

// statusText says what a status means for the profile at u, and what to do.
func statusText(resp *http.Response, u *url.URL) string {
	status := fetch.StatusText(resp.StatusCode)
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return status + ": the profile wants a login; set authorization for this target"
	case code == http.StatusForbidden:
		return status + ": the login given may not read the profile"
	case code == http.StatusProxyAuthRequired:
		return status + ": the proxy wants a login"
	case code == http.StatusNotFound && path.Base(u.Path) == string(collector.KindGoroutineLeak):
		return fmt.Sprintf("404: no %s there; it takes Go 1.27, or Go 1.26 built with GOEXPERIMENT=goroutineleakprofile", u.Path)
	case code == http.StatusNotFound:
		return fmt.Sprintf("404: no %s there; is net/http/pprof imported?", u.Path)
	case code == http.StatusTooManyRequests:
		return status + ": the target asks for fewer requests"
	case code/100 == 3:
		return status + ": it redirects, but not to a place that can be followed"
	}
	if line := firstLine(resp.Body); line != "" {
		status += ": " + line
	}
	return status
}

// firstLine returns a server's explanation of an error, if it is short plain text.
func firstLine(r io.Reader) string {
	var buf [160]byte
	n, err := io.ReadFull(r, buf[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return ""
	}
	if dump.Detect(buf[:n]) != dump.Text {
		return ""
	}
	return fmt.Sprintf("%.100q", dump.FirstLine(buf[:n]))
}
