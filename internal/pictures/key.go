package pictures

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

// retryKey is the time between two attempts to read the key.
const retryKey = time.Minute

// maxKeyFile is the largest file of a key, in bytes.
const maxKeyFile = 4 << 10

// Secrets stores the key if no file has one.
type Secrets interface {
	// Secret returns the random secret with a name, the same to all callers.
	Secret(ctx context.Context, name string) ([]byte, error)
}

// Settings are the part of the configuration that a reload may change.
type Settings struct {
	// Base is where chat services reach the pictures. Nil: pictures are off.
	Base *url.URL
	// Signer signs with the configured key. Nil: the key is in the bucket.
	Signer *Signer
}

// ReadKey reads the key of a file, without white space around it.
func ReadKey(path string) (*Signer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("%s is larger than %d KiB, expected a key", path, maxKeyFile>>10)
	}
	s, err := NewSigner(bytes.TrimSpace(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// current is the handler's present state.
type current struct {
	base   *url.URL
	signer *Signer
}

// Apply replaces the settings. Without a configured key, pictures are off until Run has
// read the one of the bucket.
func (h *Handler) Apply(s Settings) {
	h.current.Store(&current{base: s.Base, signer: s.Signer})
	select {
	case h.applied <- struct{}{}:
	default:
	}
}

// URL returns the address of a leak's picture; empty while pictures are off.
func (h *Handler) URL(l leak.Leak) string {
	c := h.current.Load()
	if c.base == nil || c.signer == nil {
		return ""
	}
	return c.signer.URL(c.base, l)
}

// Run reads the key of the bucket whenever the settings need it, until ctx is done.
func (h *Handler) Run(ctx context.Context, secrets Secrets) {
	for {
		var retry <-chan time.Time
		if c := h.current.Load(); c.base != nil && c.signer == nil {
			if err := h.readKey(ctx, secrets, c); err != nil && ctx.Err() == nil {
				h.o.Logger.Warn("Cannot read the signing key of pictures; alerts have none", "retry_in", retryKey, "err", err)
				retry = time.After(retryKey)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-h.applied:
		case <-retry:
		}
	}
}

func (h *Handler) readKey(ctx context.Context, secrets Secrets, c *current) error {
	key, err := secrets.Secret(ctx, "pictures")
	if err != nil {
		return err
	}
	s, err := NewSigner(key)
	if err != nil {
		return err
	}
	// Settings that were applied meanwhile stay.
	h.current.CompareAndSwap(c, &current{base: c.base, signer: s})
	return nil
}
