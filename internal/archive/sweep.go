package archive

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

// How many profiles stay that no leak needs: all recent ones, then one an hour and finally one
// a day.
const (
	keepAll    = 2 * time.Hour
	keepHourly = 48 * time.Hour

	// aroundOnset is how long before and after the onset of a leak all profiles stay.
	aroundOnset = 2 * time.Hour
)

// Sweep thins out profiles and dumps with age, and deletes profiles, dumps, resolved leaks and
// captures past the retention. It keeps what leaks need: profiles around the onset, those that
// a leak or a capture names, and all since the onset of an open leak. The given leaks may be
// newer than those in the bucket.
//
// It reads the whole bucket, one service at a time. Do not wait for it.
func (a *Archive) Sweep(ctx context.Context, now time.Time, retention time.Duration, leaks []leak.Leak) error {
	return a.count(opSweep, a.sweep(ctx, now, retention, leaks))
}

func (a *Archive) sweep(ctx context.Context, now time.Time, retention time.Duration, leaks []leak.Leak) error {
	saved, err := a.leaks(ctx)
	if err != nil {
		return err // it is not known what is needed
	}
	captures, err := a.sweepCaptures(ctx, now.Add(-retention))
	if err != nil {
		return err
	}
	if err := a.sweepTriage(ctx, now, now.Add(-retention), append(slices.Clone(saved), leaks...)); err != nil {
		return err
	}
	s := sweeper{archive: a, now: now, retention: retention, needed: map[string][]span{}, named: map[string]bool{}}
	for _, l := range append(saved, leaks...) {
		s.need(l)
	}
	for _, c := range captures {
		for _, ref := range c.Profiles {
			s.named[ref.Key] = true
		}
	}
	if err := s.descend(ctx, profilesPrefix, len(*a.groupBy.Load())); err != nil {
		return err
	}
	for _, l := range saved {
		if l.State == leak.Resolved && l.ResolvedAt.Before(now.Add(-retention)) {
			if err := a.delete(ctx, leakKey(l.ID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweeper is one sweep.
type sweeper struct {
	archive   *Archive
	now       time.Time
	retention time.Duration
	needed    map[string][]span // by the folder of the service
	named     map[string]bool   // keys
}

type span struct{ from, to time.Time }

// need keeps what a leak needs.
func (s *sweeper) need(l leak.Leak) {
	for _, ref := range []*leak.ProfileRef{l.Base, l.Head} {
		if ref != nil {
			s.named[ref.Key] = true
		}
	}
	for _, ref := range l.Dumps {
		s.named[ref.Key] = true
	}
	w := span{l.Onset.Add(-aroundOnset), l.Onset.Add(aroundOnset)}
	if l.State != leak.Resolved {
		w.to = s.now
	}
	if l.Base != nil && l.Base.Time.Before(w.from) {
		w.from = l.Base.Time
	}
	folder := s.archive.folder(l.Service)
	s.needed[folder] = append(s.needed[folder], w)
}

// descend walks the folders of services, depth levels deep, and lists the keys below. Listing a
// big bucket of files in one go would be slow, since each page starts from the beginning.
func (s *sweeper) descend(ctx context.Context, prefix string, depth int) error {
	if depth == 0 {
		return s.service(ctx, prefix)
	}
	for key, err := range s.archive.folders(ctx, prefix) {
		if err != nil {
			return err
		}
		if !strings.HasSuffix(key, "/") {
			continue // not a profile
		}
		if err := s.descend(ctx, key, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// service sweeps the profiles of a service, an instance at a time.
func (s *sweeper) service(ctx context.Context, folder string) error {
	var (
		instance        string
		profiles, dumps aged
	)
	flush := func() error {
		return errors.Join(s.flush(ctx, folder, &profiles), s.flush(ctx, folder, &dumps))
	}
	for key, err := range s.archive.list(ctx, folder) {
		if err != nil {
			return err
		}
		kind := &profiles
		t, ok := takenAt(key)
		if !ok {
			kind = &dumps
			t, ok = timeIn(key, dumpSuffix)
		}
		if !ok {
			continue
		}
		if dir := path.Dir(key); dir != instance {
			if err := flush(); err != nil {
				return err
			}
			instance = dir
		}
		kind.keys, kind.times = append(kind.keys, key), append(kind.times, t)
	}
	return errors.Join(flush(), ctx.Err())
}

// aged are the profiles, or the dumps, of an instance, oldest first.
type aged struct {
	keys  []string
	times []time.Time
}

// flush deletes the profiles that do not stay.
func (s *sweeper) flush(ctx context.Context, folder string, a *aged) error {
	for i, stays := range s.thin(folder, *a) {
		if stays {
			continue
		}
		if err := s.archive.delete(ctx, a.keys[i]); err != nil {
			return err
		}
		s.archive.metrics.swept.Inc()
	}
	a.keys, a.times = a.keys[:0], a.times[:0]
	return nil
}

// thin selects the profiles that stay.
func (s *sweeper) thin(folder string, a aged) []bool {
	stays := make([]bool, len(a.keys))
	var last time.Time // the beginning of the last hour or day that has one
	for i, t := range a.times {
		age := s.now.Sub(t)
		step := 24 * time.Hour
		if age <= keepHourly {
			step = time.Hour
		}
		first := !t.Truncate(step).Equal(last)
		stays[i] = s.named[a.keys[i]] || s.isNeeded(folder, t) || age <= min(keepAll, s.retention) || age <= s.retention && first
		if stays[i] {
			last = t.Truncate(step)
		}
	}
	return stays
}

func (s *sweeper) isNeeded(folder string, t time.Time) bool {
	for _, w := range s.needed[folder] {
		if !t.Before(w.from) && !t.After(w.to) {
			return true
		}
	}
	return false
}
