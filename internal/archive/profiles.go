package archive

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"gocloud.dev/gcerrors"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// SaveProfile stores a profile of an instance of a service. taken is the time of the evaluation
// that asked for it.
func (a *Archive) SaveProfile(ctx context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	return a.save(ctx, opSaveProfile, suffix, service, instance, taken, p)
}

// SaveDump stores a dump (debug=2) of an instance of a service beside its profiles. It is for
// people: Profiles and ServiceProfiles do not list dumps.
func (a *Archive) SaveDump(ctx context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	return a.save(ctx, opSaveDump, dumpSuffix, service, instance, taken, p)
}

func (a *Archive) save(ctx context.Context, op operation, suffix string, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	ref := leak.ProfileRef{
		Key:      a.prefix(service, instance) + taken.UTC().Format(timeFormat) + suffix,
		Instance: instance,
		Time:     taken,
		Total:    p.Total,
	}
	err := a.write(ctx, ref.Key, aProfile, p.Raw)
	a.broken.Delete(ref.Key)
	return ref, a.count(op, err)
}

// Profiles lists the profiles of an instance, oldest first. Their Total is 0, because a listing
// does not have it.
func (a *Archive) Profiles(ctx context.Context, service labels.Labels, instance string) ([]leak.ProfileRef, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	var out []leak.ProfileRef
	for key, err := range a.list(ctx, a.prefix(service, instance)) {
		if err != nil {
			return nil, a.count(opListProfiles, err)
		}
		if taken, ok := takenAt(key); ok {
			out = append(out, leak.ProfileRef{Key: key, Instance: instance, Time: taken})
		}
	}
	return out, a.count(opListProfiles, nil)
}

// LoadProfile reads a profile or a dump. One that the decoder cannot take is
// moved to aside/, and is not tried again.
func (a *Archive) LoadProfile(ctx context.Context, key string) (*collector.Profile, error) {
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	if !isProfile(key) {
		return nil, a.count(opLoadProfile, notAProfile(key))
	}
	if err, ok := a.broken.Load(key); ok {
		return nil, a.count(opLoadProfile, err.(error))
	}
	p, err := a.load(ctx, key)
	if collector.ReasonOf(err).Undecodable() {
		// It is not decoded again, even after a restart.
		a.broken.Store(key, err)
		a.setAsideLate(ctx, key, err)
	}
	return p, a.count(opLoadProfile, err)
}

// setAsideLate is setAside with its own timeout, since ctx may have expired.
func (a *Archive) setAsideLate(ctx context.Context, key string, why error) {
	ctx, cancel := a.bounded(context.WithoutCancel(ctx))
	defer cancel()
	a.setAside(ctx, key, why)
}

func (a *Archive) load(ctx context.Context, key string) (*collector.Profile, error) {
	r, err := a.open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if r.Size() > maxDocument {
		return nil, fmt.Errorf("%s: %w: %d bytes, expected at most %d", key, errTooLarge, r.Size(), maxDocument)
	}
	taken, ok := takenAt(key)
	if !ok {
		taken, _ = timeIn(key, dumpSuffix)
	}
	p, err := a.o.Decode(ctx, r, taken)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return p, nil
}

// OpenProfile opens a profile as the target sent it, or a gzipped dump. The error matches
// fs.ErrNotExist if it does not exist.
func (a *Archive) OpenProfile(ctx context.Context, key string) (io.ReadCloser, error) {
	if !isProfile(key) {
		return nil, fmt.Errorf("archive: %w", notAProfile(key))
	}
	r, err := a.open(ctx, key)
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
