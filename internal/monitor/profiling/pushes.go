package profiling

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

const (
	// pushQuiet is how long an instance is not pulled after its last push.
	pushQuiet = 2 * time.Minute
	// pushMemory is how long an instance that no longer pushes is remembered.
	pushMemory = time.Hour
)

// Pushes has the instances that push their profiles, and which of these profiles are needed. It is safe
// for concurrent use.
type Pushes struct {
	mtx       sync.Mutex
	instances map[uint64]*pusher // by the hash of the instance's labels
}

// pusher is an instance that pushes.
type pusher struct {
	// seen is when the latest goroutine profile arrived that was readable, or was not needed.
	seen  time.Time
	total int64 // goroutines in the latest profile that was used
	kinds map[collector.ProfileKind]*pushedKind
}

// pushedKind has the state of one kind of profile that an instance pushes.
type pushedKind struct {
	latest time.Time // when the last used profile was taken
	want   *Want     // nil: no profile is needed
	until  time.Time // when want ends
	next   time.Time // no profile is needed before
	busy   bool      // a profile is being read
	handle func(context.Context, Want, *collector.Profile)
}

// Active reports whether an instance has pushed a goroutine profile recently.
func (p *Pushes) Active(now time.Time, instance labels.Labels) bool {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	x := p.instances[instance.Hash()]
	return x != nil && now.Sub(x.seen) < pushQuiet
}

// Last returns when an instance last pushed, and how many goroutines the last used profile had; zero:
// it has not pushed, or no profile was used.
func (p *Pushes) Last(instance labels.Labels) (seen time.Time, goroutines int64) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	if x := p.instances[instance.Hash()]; x != nil {
		return x.seen, x.total
	}
	return time.Time{}, 0
}

// Want arranges for profiles that the instance pushes to be passed to handle, until a time. Receive
// calls handle, for one profile of an instance and kind at a time.
func (p *Pushes) Want(w Want, until time.Time, handle func(context.Context, Want, *collector.Profile)) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	_, k := p.kind(w.instance, w.kind)
	k.want, k.until, k.handle = &w, until, handle
}

// Keep drops the instances that have not pushed for an hour.
func (p *Pushes) Keep(now time.Time) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	for key, x := range p.instances {
		if now.Sub(x.seen) > pushMemory {
			delete(p.instances, key)
		}
	}
}

// Receive takes a pushed profile. used is false without an error if it is not needed now.
func (p *Pushes) Receive(ctx context.Context, now time.Time, push Push) (used bool, err error) {
	x, k := p.claim(now, push)
	if k == nil {
		return false, nil
	}
	defer p.release(k)
	profile, err := push.Decode(ctx)
	if err == nil {
		profile.Time = profile.Time.Truncate(time.Second)
		err = k.checkTime(now, profile.Time)
	}
	if err != nil {
		p.fail(x, push, err)
		return false, err
	}
	w, handle := p.accept(now, x, k, profile)
	handle(ctx, w, profile)
	return true, nil
}

// claim records a push. The kind is nil if the profile is not needed; otherwise it is busy until it is
// released.
func (p *Pushes) claim(now time.Time, push Push) (*pusher, *pushedKind) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	x, k := p.kind(push.Instance, push.Kind)
	if push.Kind == collector.KindGoroutine {
		x.seen = now
	}
	if k.want == nil || k.busy || now.After(k.until) || now.Before(k.next) {
		return x, nil
	}
	k.busy = true
	return x, k
}

func (p *Pushes) release(k *pushedKind) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	k.busy = false
}

// fail records that a profile cannot be used. Pulls of the instance begin again, unless the profile only
// arrived twice or out of order.
func (p *Pushes) fail(x *pusher, push Push, err error) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	if push.Kind == collector.KindGoroutine && !errors.Is(err, ErrReplayed) && !errors.Is(err, ErrOutOfOrder) {
		x.seen = time.Time{}
	}
}

// accept records a claimed profile, and returns what to do with it.
func (p *Pushes) accept(now time.Time, x *pusher, k *pushedKind, profile *collector.Profile) (Want, func(context.Context, Want, *collector.Profile)) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	w := *k.want
	k.latest, k.next = profile.Time, now.Add(w.every)
	if w.kind == collector.KindGoroutine {
		x.total = profile.Total
	}
	switch {
	case w.every == 0:
		k.want = nil
	case w.Proof == nil:
		k.want.Pull = w.Pull.withoutReading()
	}
	return w, k.handle
}

// checkTime says why a profile cannot be used because of its time. latest changes only while
// the kind is busy.
func (k *pushedKind) checkTime(now, t time.Time) error {
	switch {
	case t.Sub(now) > maxPushAhead:
		return ErrFuture
	case now.Sub(t) > maxPushAge:
		return ErrTooOld
	case t.Equal(k.latest):
		return ErrReplayed
	case t.Before(k.latest):
		return ErrOutOfOrder
	}
	return nil
}

// kind returns the entry of an instance and a kind. The caller holds mtx.
func (p *Pushes) kind(instance labels.Labels, kind collector.ProfileKind) (*pusher, *pushedKind) {
	if p.instances == nil {
		p.instances = map[uint64]*pusher{}
	}
	key := instance.Hash()
	x, ok := p.instances[key]
	if !ok {
		x = &pusher{kinds: map[collector.ProfileKind]*pushedKind{}}
		p.instances[key] = x
	}
	k, ok := x.kinds[kind]
	if !ok {
		k = &pushedKind{}
		x.kinds[kind] = k
	}
	return x, k
}
