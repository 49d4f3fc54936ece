package scan

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/leak"
)

// Recorded has the profiles of an archive.
type Recorded interface {
	Profiles(ctx context.Context, service labels.Labels, instance string) ([]leak.ProfileRef, error)
	LoadProfile(ctx context.Context, key string) (*collector.Profile, error)
}

// recordedPause bounds how long a scan waits before it looks for a newer profile, because
// recorded profiles cost no target anything.
const recordedPause = 10 * time.Minute

// recorded stands for the targets and the archive in a scan: a pull is answered with the latest
// recorded profile. It writes nothing.
type recorded struct {
	Recorded
	groupBy []string

	mtx  sync.Mutex
	refs map[string][]leak.ProfileRef // by service and instance
	last map[string]string            // key of the last profile returned
}

func newRecorded(p Recorded, groupBy []string) *recorded {
	if len(groupBy) == 0 {
		groupBy = []string{"namespace", "job"}
	}
	return &recorded{Recorded: p, groupBy: groupBy, refs: map[string][]leak.ProfileRef{}, last: map[string]string{}}
}

// Profiles lists the recorded profiles of an instance, oldest first. They are listed once.
func (r *recorded) Profiles(ctx context.Context, service labels.Labels, instance string) ([]leak.ProfileRef, error) {
	key := serviceKey(service) + "\xff" + instance
	r.mtx.Lock()
	refs, ok := r.refs[key]
	r.mtx.Unlock()
	if ok {
		return refs, nil
	}
	refs, err := r.Recorded.Profiles(ctx, service, instance)
	if err != nil {
		return nil, err
	}
	r.mtx.Lock()
	defer r.mtx.Unlock()
	r.refs[key] = refs
	return refs, nil
}

// Pull returns the latest profile recorded before now.
func (r *recorded) Pull(ctx context.Context, now time.Time, instance labels.Labels, _ float64) (*collector.Profile, error) {
	service := labels.NewBuilder(instance).Keep(r.groupBy...).Labels()
	refs, err := r.Profiles(ctx, service, instance.Get("instance"))
	if err != nil {
		return nil, err
	}
	n, _ := slices.BinarySearchFunc(refs, now.Add(1), func(ref leak.ProfileRef, t time.Time) int { return ref.Time.Compare(t) })
	if n == 0 {
		return nil, collector.Errorf(collector.ReasonNotFound, "no profile was recorded until then")
	}
	ref := refs[n-1]
	key := serviceKey(instance)
	r.mtx.Lock()
	again := r.last[key] == ref.Key
	r.last[key] = ref.Key
	r.mtx.Unlock()
	if again {
		return nil, collector.Errorf(collector.ReasonBudget, "no newer profile was recorded until then")
	}
	return r.LoadProfile(ctx, ref.Key)
}

// Dump fails, because only routine profiles are recorded.
func (r *recorded) Dump(context.Context, time.Time, labels.Labels, float64) (*collector.Profile, error) {
	return nil, collector.Errorf(collector.ReasonNotFound, "dumps are not recorded")
}

// Leaked fails too.
func (r *recorded) Leaked(context.Context, time.Time, labels.Labels, float64) (*collector.Profile, error) {
	return nil, collector.Errorf(collector.ReasonNotFound, "goroutineleak profiles are not recorded")
}

// SaveProfile returns the profile where it is.
func (r *recorded) SaveProfile(ctx context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	refs, err := r.Profiles(ctx, service, instance)
	if err != nil {
		return leak.ProfileRef{}, err
	}
	n, _ := slices.BinarySearchFunc(refs, taken.Add(1), func(ref leak.ProfileRef, t time.Time) int { return ref.Time.Compare(t) })
	if n == 0 {
		return leak.ProfileRef{}, collector.Errorf(collector.ReasonNotFound, "no profile was recorded until then")
	}
	ref := refs[n-1]
	ref.Total = p.Total
	return ref, nil
}

// SaveDump writes nothing: there are no dumps.
func (r *recorded) SaveDump(context.Context, labels.Labels, string, time.Time, *collector.Profile) (leak.ProfileRef, error) {
	return leak.ProfileRef{}, nil
}

// SaveLeak writes nothing: a scan leaves the archive unchanged.
func (r *recorded) SaveLeak(context.Context, leak.Leak) error { return nil }

// Leaks returns none: a scan starts without leaks.
func (r *recorded) Leaks(context.Context) ([]leak.Leak, error) { return nil, nil }

// SaveCapture writes nothing either.
func (r *recorded) SaveCapture(context.Context, ondemand.Capture) error { return nil }

// Captures are none.
func (r *recorded) Captures(context.Context) ([]ondemand.Capture, error) { return nil, nil }
