package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/common/promslog"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/gorowatch/gorowatch/collector"
)

const (
	// maxDocument limits how much of a document is read. Others may have written it.
	maxDocument = 64 << 20

	// DefaultTimeout bounds one operation, so that a bucket that does not answer blocks nothing
	// for longer.
	DefaultTimeout = 30 * time.Second
)

// Options of an Archive. GroupBy and Decode are required.
type Options struct {
	// GroupBy are the labels of a service, in the order of the layout.
	GroupBy []string
	// Decode parses a profile that was taken at the given time.
	Decode func(ctx context.Context, r io.Reader, taken time.Time) (*collector.Profile, error)
	// Timeout of one operation, DefaultTimeout if 0. A sweep takes as long as it
	// takes.
	Timeout time.Duration

	Logger *slog.Logger
	// Metrics may be nil.
	Metrics *Metrics
}

// Archive is a bucket of profiles and leaks.
type Archive struct {
	o       Options
	groupBy atomic.Pointer[[]string]
	current atomic.Pointer[store]
	metrics *Metrics
	links   sync.Map // keys that are links, and were logged
	broken  sync.Map // keys of profiles that cannot be decoded → error

	mtx     sync.Mutex
	tenants tenants // since the archive was opened
}

// store is a bucket and, if it is one of files, its folder.
type store struct {
	bucket *blob.Bucket
	folder *folder
}

func (s *store) close() error { return errors.Join(s.bucket.Close(), s.folder.close()) }

// Open opens the bucket at rawURL: file:///folder or mem://, and others that main imports. It
// makes a folder that does not exist. A folder that cannot be written is an error, unless the
// disk is full, which may change. It makes no connection.
func Open(ctx context.Context, rawURL string, o Options) (*Archive, error) {
	if len(o.GroupBy) == 0 || o.Decode == nil {
		return nil, errors.New("archive: GroupBy and Decode are required")
	}
	if o.Logger == nil {
		o.Logger = promslog.NewNopLogger()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("archive: storage.url: %w", err)
	}
	if mux := blob.DefaultURLMux(); !mux.ValidBucketScheme(u.Scheme) {
		return nil, fmt.Errorf("archive: storage.url: scheme %q, expected one of %s", u.Scheme, strings.Join(mux.BucketSchemes(), ", "))
	}
	place := collector.RedactURL(u)
	if u.Scheme == "file" {
		q := u.Query()
		// Temporary files next to the final ones, so that a rename is all that
		// a write needs; no companion files.
		for k, v := range map[string]string{"create_dir": "true", "no_tmp_dir": "true", "metadata": "skip"} {
			if !q.Has(k) {
				q.Set(k, v)
			}
		}
		u.RawQuery = q.Encode()
	}
	bucket, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("archive: storage.url: %s: %w", place, withoutURL(err, u))
	}
	a := &Archive{o: o, metrics: o.Metrics}
	s := &store{bucket: bucket}
	a.current.Store(s)
	if u.Scheme == "file" {
		if s.folder, err = openFolder(u); err != nil {
			return nil, errors.Join(fmt.Errorf("archive: storage.url: %s: %w", place, withoutURL(err, u)), bucket.Close())
		}
		switch err := probe(ctx, bucket); {
		case err == nil:
		case full(err):
			o.Logger.Warn("Archive is full; profiles and leaks are not stored", "err", err)
		default:
			return nil, errors.Join(fmt.Errorf("archive: storage.url: %s: cannot be written: %w", place, err), s.close())
		}
	}
	a.GroupBy(o.GroupBy)
	return a, nil
}

// withoutURL removes the URL of a bucket from an error. The caller adds the URL as configured.
func withoutURL(err error, u *url.URL) error {
	if inner := errors.Unwrap(err); inner != nil && strings.Contains(err.Error(), u.String()) {
		return inner
	}
	return err
}

// probe finds out whether a folder can be written now, not at the first profile.
func probe(ctx context.Context, bucket *blob.Bucket) error {
	const key = "probe"
	if err := bucket.WriteAll(ctx, key, nil, nil); err != nil {
		return err
	}
	if err := bucket.Delete(ctx, key); gcerrors.Code(err) != gcerrors.NotFound {
		return err
	}
	return nil
}

// GroupBy replaces the labels of a service, at a reload. Existing documents are not moved.
func (a *Archive) GroupBy(names []string) { a.groupBy.Store(&names) }

func (a *Archive) bucket() *blob.Bucket { return a.store().bucket }

func (a *Archive) store() *store { return a.current.Load() }

// Replace takes over the bucket of another archive, which must not be used afterwards, and
// closes the previous bucket. Operations in progress there fail.
func (a *Archive) Replace(by *Archive) error {
	a.mtx.Lock()
	defer a.mtx.Unlock()
	a.tenants = tenants{}
	a.broken.Clear()
	return a.current.Swap(by.store()).close()
}

// Close closes the bucket.
func (a *Archive) Close() error { return a.store().close() }

// full reports whether the disk or the quota is full.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// count counts an operation by its result, and returns the error.
func (a *Archive) count(op operation, err error) error {
	a.metrics.count(op, err)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

// bounded adds the timeout of an operation to ctx.
func (a *Archive) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, a.o.Timeout, fmt.Errorf("no answer of the bucket within %s: %w", a.o.Timeout, context.DeadlineExceeded))
}

// write writes an object whole, or leaves the old one. A failed write must be cancelled before
// it is closed. Otherwise half of it would replace the old one on a full disk.
func (a *Archive) write(ctx context.Context, key, contentType string, data []byte) error {
	return a.writeFrom(ctx, key, contentType, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func (a *Archive) writeFrom(ctx context.Context, key, contentType string, fill func(io.Writer) error) error {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	s := a.store()
	if err := s.folder.checkParents(key); err != nil {
		return err
	}
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: contentType, BeforeWrite: s.folder.before})
	if err != nil {
		return err
	}
	if err := fill(w); err != nil {
		giveUp()
		_ = w.Close() // which returns the cancellation
		return err
	}
	return w.Close()
}

const (
	aProfile  = "application/octet-stream"
	aDocument = "application/json"
)

// delete deletes an object, if another replica has not.
func (a *Archive) delete(ctx context.Context, key string) error {
	if err := a.store().folder.checkParents(key); err != nil {
		return err
	}
	if err := a.bucket().Delete(ctx, key); gcerrors.Code(err) != gcerrors.NotFound {
		return err
	}
	return nil
}

// errTooLarge: gorowatch writes nothing of that size.
var errTooLarge = errors.New("too large")

// read reads an object whole.
func (a *Archive) read(ctx context.Context, key string) ([]byte, error) {
	r, err := a.open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Size() > maxDocument {
		return nil, fmt.Errorf("%s: %w: %d bytes, expected at most %d", key, errTooLarge, r.Size(), maxDocument)
	}
	return io.ReadAll(io.LimitReader(r, maxDocument))
}
