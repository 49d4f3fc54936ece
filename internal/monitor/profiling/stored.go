package profiling

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
)

// maxProfiles bounds the profiles of one instance that are kept and compared: the base, and of the
// others fewer the older they are.
const maxProfiles = 24

// add inserts profiles in time order. For each one too many, it drops the one whose neighbours are
// closest together for its age. So recent profiles stay dense, and the first one always stays.
func (in *instanceProfiles) add(profiles []storedProfile) {
	for _, p := range profiles {
		in.insert(p)
	}
}

func (in *instanceProfiles) insert(p storedProfile) {
	list := in.profiles
	i, have := slices.BinarySearchFunc(list, p, func(a, b storedProfile) int { return a.taken().Compare(b.taken()) })
	if have {
		list[i] = p
		return
	}
	list = slices.Insert(list, i, p)
	if n := len(list); n > maxProfiles {
		now, drop, closest := list[n-1].taken(), 1, math.Inf(1)
		for i := 1; i < n-1; i++ {
			gap := list[i+1].taken().Sub(list[i-1].taken()).Seconds()
			if x := gap * gap / now.Sub(list[i].taken()).Seconds(); x < closest {
				drop, closest = i, x
			}
		}
		list = slices.Delete(list, drop, drop+1)
	}
	in.profiles = list
}

// thin picks n of the profiles: the first, the last, and between them fewer the older they are,
// as add keeps them.
func thin(profiles []storedProfile, n int) []storedProfile {
	if len(profiles) <= n {
		return profiles
	}
	last := profiles[len(profiles)-1].taken()
	whole := last.Sub(profiles[0].taken()).Seconds()
	var out []storedProfile
	for _, p := range profiles {
		left := float64(n-1-len(out)) / float64(n-1)
		if last.Sub(p.taken()).Seconds() <= whole*left*left && len(out) < n {
			out = append(out, p)
		}
	}
	return out
}

// unloaded returns the profiles that an attribution needs, the base and all later ones, as far as they
// are only in the archive.
func (in *instanceProfiles) unloaded(onset time.Time) (out []storedProfile) {
	for _, p := range attribution.FromBase(in.profiles, storedProfile.taken, onset) {
		if p.snapshot == nil {
			out = append(out, p)
		}
	}
	return out
}

// dropUnloaded drops the profiles that are only in the archive.
func (in *instanceProfiles) dropUnloaded() {
	in.profiles = slices.DeleteFunc(in.profiles, func(p storedProfile) bool { return p.snapshot == nil })
}

// latestLoaded returns when the latest profile in memory was taken; zero if there are too few to
// compare.
func (in *instanceProfiles) latestLoaded() (t time.Time) {
	n := 0
	for _, p := range in.profiles {
		if p.snapshot != nil {
			n++
			t = p.taken()
		}
	}
	if n < frequentPulls {
		return time.Time{}
	}
	return t
}
