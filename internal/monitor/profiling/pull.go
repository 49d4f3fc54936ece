package profiling

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// maxLoads bounds the archived profiles that are read for a pull. A review reads up to maxProfiles.
const maxLoads = 12

// Pull is one planned pull. It may run in the background, because it has all that it needs of the
// service.
type Pull struct {
	source    Source
	archive   Archive // may be nil
	logger    *slog.Logger
	snapshots *snapshotBuilder
	labelText stack.LabelText

	now        time.Time
	service    labels.Labels
	instance   string // its name
	labels     labels.Labels
	goroutines float64
	started    time.Time
	block      time.Duration // of the trend

	onset  time.Time       // of the growth; zero: a baseline
	load   []storedProfile // archived profiles that the comparison needs
	list   bool            // first ask the archive for profiles of earlier runs
	review bool            // read the archive, and pull nothing
	// forRequest means that only a request needs the profile.
	forRequest bool
	// earlier is the lifetime of an earlier process whose profiles are needed.
	earlier fleet.Lifetime
}

// PullResult is the outcome of a pull: profiles, or the reason for none.
type PullResult struct {
	instance       string
	profiles       []storedProfile
	review         bool
	pushed         bool // the instance pushed the profile
	listed         bool // the archive was asked for profiles of earlier runs
	earlier        []storedProfile
	earlierChecked bool // the archive was asked for these
	count          Count
	reason         collector.Reason
	err            string
}

// pull prepares a pull. need is that of a suspicious service; nil: a baseline.
func (p *Planner) pull(now time.Time, s *Service, in *instanceProfiles, need *Need) Pull {
	in.pulling = true
	pull := Pull{
		source: p.Source, archive: p.Archive, logger: p.Logger, snapshots: &s.snapshots, labelText: p.LabelText, now: now,
		service: s.fleet.Labels, instance: in.Name, labels: in.Labels, block: p.Block,
		goroutines: s.fleet.Count(in.Name), started: s.fleet.Started(in.Name),
	}
	if need != nil {
		if in.earlierChecked != in.Processes() {
			pull.earlier = in.LongestEarlier()
		}
		pull.onset = need.onsetOf(in.Name)
		pull.load = in.unloaded(pull.onset)
		pull.list = !in.listed
	}
	return pull
}

// Urgent reports whether the profile is of growth, so that its result must not wait for the next cycle.
func (p Pull) Urgent() bool { return !p.onset.IsZero() && !p.review && !p.forRequest }

// Run pulls the profile, archives it, and reads the profiles to compare it with.
func (p Pull) Run(ctx context.Context) PullResult {
	r := PullResult{instance: p.instance, review: p.review}
	if p.review {
		p.readArchive(ctx, &r)
		return r
	}
	r.count = Count{Instance: p.labels, At: p.now}
	profile, err := p.source.Pull(ctx, p.now, p.labels, p.goroutines)
	if err != nil {
		r.reason, r.err = collector.ReasonOf(err), err.Error()
		p.logger.Debug("No profile", "service", p.service, "instance", p.instance, "reason", r.reason, "err", err)
		return r
	}
	r.count.Goroutines = profile.Total
	p.store(ctx, &r, profile)
	return r
}

// store archives a profile, and adds it to the result with those to compare it with.
func (p Pull) store(ctx context.Context, r *PullResult, profile *collector.Profile) {
	stored := storedProfile{ref: leak.ProfileRef{Instance: p.instance, Time: p.now, Total: profile.Total}}
	if p.archive == nil {
		stored.snapshot = p.snapshots.snapshot(profile, p.labelText)
		r.profiles = append(r.profiles, stored)
		return
	}
	ref, err := p.archive.SaveProfile(ctx, p.service, p.instance, p.now, profile)
	if err == nil {
		stored.ref = ref
	}
	if err != nil || !p.onset.IsZero() { // else it is a baseline, which is read again when needed
		stored.snapshot = p.snapshots.snapshot(profile, p.labelText)
	}
	r.profiles = append(r.profiles, stored)
	p.readArchive(ctx, r)
}

// readArchive adds archived profiles of this process and of an earlier one. It lists the archive once
// for both.
func (p Pull) readArchive(ctx context.Context, r *PullResult) {
	var refs []leak.ProfileRef
	if p.list || p.earlier.Known() {
		var err error
		if refs, err = p.archive.Profiles(ctx, p.service, p.instance); err != nil {
			p.logger.Warn("Cannot list earlier profiles", "instance", p.instance, "err", err)
			p.list, p.earlier = false, fleet.Lifetime{}
		}
	}
	p.readProcess(ctx, r, refs)
	p.readEarlier(ctx, r, refs)
}

// readProcess adds the profiles of this process from the base on, so that the comparison reaches back to
// before the onset even after a restart of gorowatch.
func (p Pull) readProcess(ctx context.Context, r *PullResult, refs []leak.ProfileRef) {
	load := p.load
	if p.list {
		r.listed = !p.forRequest
		refs = slices.DeleteFunc(slices.Clone(refs), func(ref leak.ProfileRef) bool {
			return !ref.Time.After(p.started) || !ref.Time.Before(p.now)
		})
		for _, ref := range attribution.FromBase(refs, func(ref leak.ProfileRef) time.Time { return ref.Time }, p.onset) {
			known := slices.ContainsFunc(load, func(x storedProfile) bool { return x.ref.Key == ref.Key })
			if !known {
				load = append(load, storedProfile{ref: ref})
			}
		}
		slices.SortFunc(load, func(a, b storedProfile) int { return a.taken().Compare(b.taken()) })
	}
	most := maxLoads
	if p.review {
		most = maxProfiles
	}
	r.profiles = append(r.profiles, p.read(ctx, thin(load, most))...)
}

// earlierProfiles is how many profiles of an earlier process are read.
const earlierProfiles = 6

// readEarlier adds profiles of an earlier process: its last one, and those from about one, two, four
// hours and so on before that. They show whether a stack that grows again had stopped growing then.
func (p Pull) readEarlier(ctx context.Context, r *PullResult, refs []leak.ProfileRef) {
	if !p.earlier.Known() {
		return
	}
	r.earlierChecked = true
	var load []storedProfile
	var age time.Duration
	for _, ref := range slices.Backward(refs) {
		if len(load) == earlierProfiles || !ref.Time.After(p.earlier.From) {
			break
		}
		if !ref.Time.After(p.earlier.To) && (len(load) == 0 || load[0].taken().Sub(ref.Time) >= age) {
			load = append(load, storedProfile{ref: ref})
			age = max(2*age, 60*p.block)
		}
	}
	slices.Reverse(load)
	r.earlier = p.read(ctx, load)
}

// read loads the profiles that can be read.
func (p Pull) read(ctx context.Context, list []storedProfile) (out []storedProfile) {
	for _, x := range list {
		profile, err := p.archive.LoadProfile(ctx, x.ref.Key)
		if err != nil {
			p.logger.Warn("Cannot read an earlier profile", "key", x.ref.Key, "err", err)
			continue
		}
		x.snapshot, x.ref.Total = p.snapshots.snapshot(profile, p.labelText), profile.Total
		out = append(out, x)
	}
	return out
}
