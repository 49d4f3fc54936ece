package fetch

import (
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/gorowatch/gorowatch/collector"
)

const (
	// maxDrained is how much of the rest of a body is read, so that its connection can be used
	// again. A new connection is cheaper than more.
	maxDrained = 64 << 10
	// maxExplained is how much of the explanation of a failure is read.
	maxExplained = 4 << 10
)

// Explanation returns a server's explanation of a failure: the beginning of the body, as it was
// sent. It is untrusted text, which the caller shortens and cleans before it shows it.
func Explanation(resp *http.Response) string {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxExplained))
	return strings.TrimSpace(string(text))
}

// transport bounds the bodies of its responses.
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

// CloseIdleConnections is called by the method of http.Client with the same name.
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

// Close reads the rest of the body, if that is little, and closes it. If somebody else is
// reading, it only closes.
func (b *body) Close() error {
	if b.mtx.TryLock() {
		if !b.tooLarge {
			_, _ = io.CopyN(io.Discard, b.ReadCloser, maxDrained)
		}
		b.mtx.Unlock()
	}
	return b.ReadCloser.Close()
}
