package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"path"
	"strings"
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
	o      Options
	bucket *blob.Bucket
	ops    *prometheus.CounterVec
}

// Open opens the bucket at rawURL: file:///folder or mem://, and what else main
// has imported. A folder that does not exist is made.
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
	a := &Archive{o: o, bucket: bucket, ops: promauto.With(o.Registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "gorowatch_archive_operations_total",
		Help: "Operations on the bucket by kind and result.",
	}, []string{"operation", "result"})}
	for _, op := range []string{"save_profile", "load_profile", "list_profiles", "save_leak", "load_leaks", "sweep"} {
		a.ops.WithLabelValues(op, "ok")
		a.ops.WithLabelValues(op, "error")
	}
	return a, nil
}

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
	if value == "" {
		return "_"
	}
	if value == "." || value == ".." {
		return strings.ReplaceAll(value, ".", "%2E")
	}
	return url.PathEscape(value)
}

func (a *Archive) prefix(service labels.Labels, instance string) string {
	var b strings.Builder
	b.WriteString(profilesPrefix)
	for _, name := range a.o.GroupBy {
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
	prefix := a.prefix(service, instance)
	it := a.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		obj, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, a.count("list_profiles", nil)
		}
		if err != nil {
			return nil, a.count("list_profiles", err)
		}
		if taken, ok := takenAt(obj.Key); ok {
			out = append(out, leak.ProfileRef{Key: obj.Key, Instance: instance, Time: taken})
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
	if !strings.HasPrefix(key, profilesPrefix) || !strings.HasSuffix(key, suffix) {
		return nil, fmt.Errorf("archive: %q is not the key of a profile: %w", key, fs.ErrNotExist)
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

func (a *Archive) read(ctx context.Context, key string) ([]byte, error) {
	r, err := a.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Size() > maxDocument {
		return nil, fmt.Errorf("%s: of %d bytes, expected at most %d", key, r.Size(), maxDocument)
	}
	return io.ReadAll(io.LimitReader(r, maxDocument))
}

// SaveLeak writes a leak, whole or not at all.
func (a *Archive) SaveLeak(ctx context.Context, l leak.Leak) error {
	text, err := json.MarshalIndent(l, "", " ")
	if err == nil {
		err = a.bucket.WriteAll(ctx, leaksPrefix+segment(l.ID)+".json", text, &blob.WriterOptions{ContentType: "application/json"})
	}
	return a.count("save_leak", err)
}

// Leaks reads all leaks. Documents that are none are left where they are and
// logged.
func (a *Archive) Leaks(ctx context.Context) ([]leak.Leak, error) {
	var out []leak.Leak
	it := a.bucket.List(&blob.ListOptions{Prefix: leaksPrefix})
	for {
		obj, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, a.count("load_leaks", nil)
		}
		if err != nil {
			return nil, a.count("load_leaks", err)
		}
		text, err := a.read(ctx, obj.Key)
		if err != nil {
			return nil, a.count("load_leaks", err)
		}
		var l leak.Leak
		if err := json.Unmarshal(text, &l); err != nil || l.ID == "" || obj.Key != leaksPrefix+segment(l.ID)+".json" {
			a.o.Logger.Warn("Not a leak, left alone", "key", obj.Key, "err", err)
			continue
		}
		out = append(out, l)
	}
}

// Sweep deletes the profiles taken before the given time, but for those that
// keep knows.
func (a *Archive) Sweep(ctx context.Context, before time.Time, keep func(key string) bool) error {
	it := a.bucket.List(&blob.ListOptions{Prefix: profilesPrefix})
	for {
		obj, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return a.count("sweep", nil)
		}
		if err != nil {
			return a.count("sweep", err)
		}
		taken, ok := takenAt(obj.Key)
		if !ok || !taken.Before(before) || keep(obj.Key) {
			continue
		}
		if err := a.bucket.Delete(ctx, obj.Key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return a.count("sweep", err)
		}
	}
}
