package fetch

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/gorowatch/gorowatch/collector"
)

const (
	// maxDrained is how much is read of what is left of a body, so that its
	// connection can be used again. A new connection is cheaper than more.
	maxDrained = 64 << 10
	// maxExplained is how much is read of what a server says of a failure.
	maxExplained = 4 << 10
)

// Explanation returns what a server says of a failure: the beginning of the
// body, as it was sent. It is a stranger's text, which the caller shortens and
// cleans before it shows it.
func Explanation(resp *http.Response) string {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxExplained))
	return strings.TrimSpace(string(text))
}

// transport makes the bodies of its responses bounded ones.
type transport struct {
	next  http.RoundTripper
	rules Rules
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &body{ReadCloser: resp.Body, rules: t.rules}
	return resp, nil
}

// CloseIdleConnections is what http.Client's method of that name calls.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// body is the body of a response. It fails past its bound instead of filling the
// memory, and when it is closed its connection can be used again.
type body struct {
	io.ReadCloser
	rules Rules

	mtx      sync.Mutex // held while it is read
	read     int64
	tooLarge bool
}

func (b *body) Read(p []byte) (int, error) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	if b.rules.MaxBytes <= 0 {
		return b.ReadCloser.Read(p)
	}
	if b.tooLarge {
		return 0, b.errTooLarge()
	}
	// One byte past the bound is enough to know that there is more.
	if left := b.rules.MaxBytes - b.read + 1; int64(len(p)) > left {
		p = p[:left]
	}
	n, err := b.ReadCloser.Read(p)
	if b.read += int64(n); b.read > b.rules.MaxBytes {
		b.tooLarge = true
		return 0, b.errTooLarge()
	}
	return n, err
}

func (b *body) errTooLarge() error {
	return collector.Errorf(collector.ReasonTooLarge, "%s", b.rules.TooLarge)
}

// Close reads what is left of the body, if that is little, and closes it. What
// somebody else is reading is not read here.
func (b *body) Close() error {
	if b.mtx.TryLock() {
		if !b.tooLarge {
			_, _ = io.CopyN(io.Discard, b.ReadCloser, maxDrained)
		}
		b.mtx.Unlock()
	}
	return b.ReadCloser.Close()
}
