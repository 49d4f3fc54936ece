package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
)

const (
	profilesPrefix = "profiles/"
	leaksPrefix    = "leaks/"
	suffix         = ".pb.gz"
	temporary      = ".tmp" // a file that is being written
	timeFormat     = "20060102T150405Z"

	// maxDocument bounds what is read of the bucket at once: it may hold what
	// others have put there.
	maxDocument = 64 << 20
)

// Options of an Archive. GroupBy and Decode are required.
type Options struct {
	// GroupBy are the labels of a service, in the order of the layout.
	GroupBy []string
	// Decode parses a profile that was taken at the given time.
	Decode func(raw []byte, taken time.Time) (*collector.Profile, error)

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Archive is a bucket of profiles and leaks.
type Archive struct {
	o       Options
	groupBy atomic.Pointer[[]string]
	bucket  *blob.Bucket
	ops     *prometheus.CounterVec
}

// Open opens the bucket at rawURL: file:///folder or mem://, and what else main
// has imported. A folder that does not exist is made, and one that cannot be
// written is an error.
func Open(ctx context.Context, rawURL string, o Options) (*Archive, error) {
	if len(o.GroupBy) == 0 || o.Decode == nil {
		return nil, errors.New("archive: GroupBy and Decode are required")
	}
	if o.Logger == nil {
		o.Logger = promslog.NewNopLogger()
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("archive: storage.url: %w", err)
	}
	if mux := blob.DefaultURLMux(); !mux.ValidBucketScheme(u.Scheme) {
		return nil, fmt.Errorf("archive: storage.url: scheme %q, expected one of %s", u.Scheme, strings.Join(mux.BucketSchemes(), ", "))
	}
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
		return nil, fmt.Errorf("archive: %s: %w", collector.RedactURL(u), err)
	}
	if u.Scheme == "file" {
		if err := probe(ctx, bucket); err != nil {
			return nil, errors.Join(fmt.Errorf("archive: %s: cannot be written: %w", collector.RedactURL(u), err), bucket.Close())
		}
	}
	a := &Archive{o: o, bucket: bucket, ops: promauto.With(o.Registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "gorowatch_archive_operations_total",
		Help: "Operations on the bucket by kind and result.",
	}, []string{"operation", "result"})}
	for _, op := range []string{"save_profile", "load_profile", "list_profiles", "save_leak", "load_leaks", "sweep", "save_note", "load_notes", "delete_note"} {
		a.ops.WithLabelValues(op, "ok")
		a.ops.WithLabelValues(op, "error")
	}
	a.GroupBy(o.GroupBy)
	return a, nil
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

// GroupBy replaces the labels of a service, at a reload. What is there stays
// where it is.
func (a *Archive) GroupBy(names []string) { a.groupBy.Store(&names) }

// Close closes the bucket.
func (a *Archive) Close() error { return a.bucket.Close() }

// count counts an operation by how it ended, and passes the error on.
func (a *Archive) count(op string, err error) error {
	if err != nil {
		a.ops.WithLabelValues(op, "error").Inc()
		return fmt.Errorf("archive: %w", err)
	}
	a.ops.WithLabelValues(op, "ok").Inc()
	return nil
}

// segment is a value as one segment of a key.
func segment(value string) string {
	switch value {
	case "":
		return "_"
	case "_": // which would be taken for an empty one
		return "%5F"
	case ".", "..":
		return strings.ReplaceAll(value, ".", "%2E")
	}
	return url.PathEscape(value)
}

// isProfile tells whether a key may be that of a profile. Whatever a bucket
// makes of dots, we lead nobody out of the folder.
func isProfile(key string) bool {
	return strings.HasPrefix(key, profilesPrefix) && strings.HasSuffix(key, suffix) && path.Clean(key) == key
}

func (a *Archive) prefix(service labels.Labels, instance string) string {
	var b strings.Builder
	b.WriteString(profilesPrefix)
	for _, name := range *a.groupBy.Load() {
		b.WriteString(segment(service.Get(name)))
		b.WriteByte('/')
	}
	b.WriteString(segment(instance))
	b.WriteByte('/')
	return b.String()
}

// SaveProfile keeps a profile of an instance of a service. taken is the time of
// the evaluation that wanted it.
func (a *Archive) SaveProfile(ctx context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	ref := leak.ProfileRef{
		Key:      a.prefix(service, instance) + taken.UTC().Format(timeFormat) + suffix,
		Instance: instance,
		Time:     taken,
		Total:    p.Total,
	}
	err := a.bucket.WriteAll(ctx, ref.Key, p.Raw, &blob.WriterOptions{ContentType: "application/octet-stream"})
	return ref, a.count("save_profile", err)
}

// Profiles lists the profiles of an instance, oldest first. Total is not known
// from a listing: it is 0.
func (a *Archive) Profiles(ctx context.Context, service labels.Labels, instance string) ([]leak.ProfileRef, error) {
	var out []leak.ProfileRef
	for key, err := range a.list(ctx, a.prefix(service, instance)) {
		if err != nil {
			return nil, a.count("list_profiles", err)
		}
		if taken, ok := takenAt(key); ok {
			out = append(out, leak.ProfileRef{Key: key, Instance: instance, Time: taken})
		}
	}
	return out, a.count("list_profiles", nil)
}

const (
	pageSize = 1000
	// maxTries bounds how often a page of a listing is tried: in a folder, the
	// temporary file of a write may vanish while it is looked at.
	maxTries = 10
)

// list yields the keys that begin with prefix, in order, or an error at last.
func (a *Archive) list(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		token := blob.FirstPageToken
		for tries := 1; len(token) > 0; tries++ {
			page, next, err := a.bucket.ListPage(ctx, token, pageSize, &blob.ListOptions{Prefix: prefix})
			if gcerrors.Code(err) == gcerrors.NotFound && tries < maxTries {
				continue
			}
			if err != nil {
				yield("", err)
				return
			}
			for _, obj := range page {
				if !strings.HasSuffix(obj.Key, temporary) && !yield(obj.Key, nil) {
					return
				}
			}
			token, tries = next, 0
		}
	}
}

// takenAt is the time in the key of a profile.
func takenAt(key string) (time.Time, bool) {
	name, ok := strings.CutSuffix(path.Base(key), suffix)
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(timeFormat, name)
	return t, err == nil
}

// LoadProfile reads a profile.
func (a *Archive) LoadProfile(ctx context.Context, key string) (*collector.Profile, error) {
	if !isProfile(key) {
		return nil, a.count("load_profile", notAProfile(key))
	}
	raw, err := a.read(ctx, key)
	if err != nil {
		return nil, a.count("load_profile", err)
	}
	taken, _ := takenAt(key)
	p, err := a.o.Decode(raw, taken)
	if err != nil {
		return nil, a.count("load_profile", fmt.Errorf("%s: %w", key, err))
	}
	return p, a.count("load_profile", nil)
}

// OpenProfile opens a profile as the target sent it. The error matches
// fs.ErrNotExist when there is none.
func (a *Archive) OpenProfile(ctx context.Context, key string) (io.ReadCloser, error) {
	if !isProfile(key) {
		return nil, fmt.Errorf("archive: %w", notAProfile(key))
	}
	r, err := a.bucket.NewReader(ctx, key, nil)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, fmt.Errorf("archive: %s: %w", key, fs.ErrNotExist)
	}
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return r, nil
}

func notAProfile(key string) error {
	return fmt.Errorf("%q is not the key of a profile: %w", key, fs.ErrNotExist)
}

// errTooLarge: whatever it is, it is not from us.
var errTooLarge = errors.New("too large")

// read reads an object whole.
func (a *Archive) read(ctx context.Context, key string) ([]byte, error) {
	r, err := a.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Size() > maxDocument {
		return nil, fmt.Errorf("%s: %w: %d bytes, expected at most %d", key, errTooLarge, r.Size(), maxDocument)
	}
	return io.ReadAll(io.LimitReader(r, maxDocument))
}

func leakKey(id string) string { return leaksPrefix + segment(id) + ".json" }

// SaveLeak writes a leak, whole or not at all.
func (a *Archive) SaveLeak(ctx context.Context, l leak.Leak) error {
	text, err := json.MarshalIndent(l, "", " ")
	if err == nil {
		err = a.bucket.WriteAll(ctx, leakKey(l.ID), text, &blob.WriterOptions{ContentType: "application/json"})
	}
	return a.count("save_leak", err)
}

// Leaks reads all leaks. Documents that are none are left where they are and
// logged.
func (a *Archive) Leaks(ctx context.Context) ([]leak.Leak, error) {
	leaks, err := a.leaks(ctx)
	return leaks, a.count("load_leaks", err)
}

func (a *Archive) leaks(ctx context.Context) (out []leak.Leak, err error) {
	for key, err := range a.list(ctx, leaksPrefix) {
		if err != nil {
			return nil, err
		}
		text, err := a.read(ctx, key)
		switch {
		case gcerrors.Code(err) == gcerrors.NotFound:
			continue // deleted since it was listed
		case err != nil && !errors.Is(err, errTooLarge):
			return nil, err
		}
		var l leak.Leak
		if err == nil {
			err = json.Unmarshal(text, &l)
		}
		if err != nil || l.ID == "" || key != leakKey(l.ID) {
			a.o.Logger.Warn("Not a leak, left alone", "key", key, "err", err)
			continue
		}
		out = append(out, l)
	}
	return out, nil
}

// Sweep deletes what is older than the given time: the profiles taken before,
// but for those that keep knows, and the leaks resolved before.
func (a *Archive) Sweep(ctx context.Context, before time.Time, keep func(key string) bool) error {
	return a.count("sweep", a.sweep(ctx, before, keep))
}

func (a *Archive) sweep(ctx context.Context, before time.Time, keep func(key string) bool) error {
	for key, err := range a.list(ctx, profilesPrefix) {
		if err != nil {
			return err
		}
		taken, ok := takenAt(key)
		if !ok || !taken.Before(before) || keep(key) {
			continue
		}
		if err := a.delete(ctx, key); err != nil {
			return err
		}
	}
	leaks, err := a.leaks(ctx)
	if err != nil {
		return err
	}
	for _, l := range leaks {
		if l.State == leak.Resolved && l.ResolvedAt.Before(before) {
			if err := a.delete(ctx, leakKey(l.ID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// delete deletes an object, if another replica has not.
func (a *Archive) delete(ctx context.Context, key string) error {
	if err := a.bucket.Delete(ctx, key); gcerrors.Code(err) != gcerrors.NotFound {
		return err
	}
	return nil
}
