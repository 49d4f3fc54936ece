package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// MaxLink is the longest link, and so the longest key of a profile, in bytes.
const MaxLink = 2000

// IsProfileKey reports whether a key may be that of a profile: the bucket holds
// more than profiles, and may be a folder of the disk.
func IsProfileKey(key string) bool {
	return fs.ValidPath(key) && strings.HasPrefix(key, "profiles/") && !strings.ContainsAny(key, "\\\x00") && len(key) <= MaxLink
}

// errKey means that a text is no key.
var errKey = errors.New("expected the key of a profile, profiles/…")

// maxReaders is how many requests read profiles at a time; the others wait.
const maxReaders = 4

// errBusy means that other requests read profiles for too long.
var errBusy = errors.New("too many profiles are being read at the moment")

// HasArchive reports whether there is an archive of profiles.
func (r *Reader) HasArchive() bool { return r.o.Profiles != nil }

// ServiceProfiles lists the profiles of a service in [from, to], oldest first;
// none without an archive.
func (r *Reader) ServiceProfiles(ctx context.Context, service labels.Labels, from, to time.Time) ([]leak.ProfileRef, error) {
	if r.o.Profiles == nil {
		return nil, nil
	}
	return r.o.Profiles.ServiceProfiles(ctx, service, from, to)
}

// LoadProfile reads a profile. The caller has reserved a slot, and there is an
// archive.
func (r *Reader) LoadProfile(ctx context.Context, key string) (*collector.Profile, error) {
	return r.o.Profiles.LoadProfile(ctx, key)
}

// OpenProfile opens a profile as the target sent it; the caller closes it. There
// is an archive.
func (r *Reader) OpenProfile(ctx context.Context, key string) (io.ReadCloser, error) {
	return r.o.Profiles.OpenProfile(ctx, key)
}

// Reserve waits for a slot to read profiles in; release gives it back.
func (r *Reader) Reserve(ctx context.Context) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, LoadTimeout)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		return func() { <-r.slots }, nil
	case <-ctx.Done():
		return nil, errBusy
	}
}

// Pair is two profiles to compare. Base is nil without a key.
type Pair struct {
	BaseKey, HeadKey string
	Base, Head       *collector.Profile
}

// ReadPair waits for a slot and reads two profiles; base may be empty. The caller
// releases the slot when it is done with them, after an error too.
func (r *Reader) ReadPair(ctx context.Context, base, head string) (p Pair, release func(), err error) {
	release, err = r.Reserve(ctx)
	if err != nil {
		return p, func() {}, err
	}
	p, err = r.load(ctx, base, head)
	return p, release, err
}

func (r *Reader) load(ctx context.Context, base, head string) (p Pair, err error) {
	p = Pair{BaseKey: base, HeadKey: head}
	if !IsProfileKey(head) {
		return p, fmt.Errorf("head: %w", errKey)
	}
	if base != "" && !IsProfileKey(base) {
		return p, fmt.Errorf("base: %w", errKey)
	}
	if r.o.Profiles == nil {
		return p, fs.ErrNotExist
	}
	ctx, cancel := context.WithTimeout(ctx, LoadTimeout)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		p.Head, err = r.o.Profiles.LoadProfile(ctx, head)
		return err
	})
	if base != "" {
		group.Go(func() (err error) {
			p.Base, err = r.o.Profiles.LoadProfile(ctx, base)
			return err
		})
	}
	return p, group.Wait()
}

// PairProblem returns the status and the text of the answer to a request whose
// profiles cannot be read.
func (r *Reader) PairProblem(err error, head string) (code int, text string) {
	switch {
	case errors.Is(err, errKey):
		return http.StatusBadRequest, err.Error()
	case errors.Is(err, errBusy):
		return http.StatusServiceUnavailable, err.Error()
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound, r.ArchiveProblem(err, "load", head)
	}
	return http.StatusBadGateway, r.ArchiveProblem(err, "load", head)
}

// ArchiveProblem says in plain words why the archive did not answer. The log has details that
// may not be for everybody.
func (r *Reader) ArchiveProblem(err error, what, of string) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "the profile is not in the archive; it may have been older than the retention"
	case errors.Is(err, context.DeadlineExceeded):
		return "the archive does not answer in time"
	case errors.Is(err, context.Canceled):
		return "it was given up"
	}
	r.o.Logger.Warn("Cannot read the archive", "what", what, "of", of, "err", err)
	if reason := collector.ReasonOf(err); reason != collector.ReasonOther {
		return "the profile cannot be read: " + human.Line(string(reason), 40)
	}
	return "the archive cannot be read now; the log says why"
}
