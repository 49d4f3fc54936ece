package monitor

import (
	"context"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// maxLives is how many processes of an instance are remembered.
	maxLives = 8
	// formerShots is how many profiles of an earlier one are read.
	formerShots = 6
)

// begins notes the start of a process, in Unix seconds.
func (in *instance) begins(start float64) {
	if n := len(in.starts); start > 0 && (n == 0 || procstart.Time(start).After(procstart.Time(in.starts[n-1]))) {
		in.starts = append(in.starts[max(0, n+1-maxLives):], start)
		in.looked = false
	}
}

// lifetime is from when to when a process lived; zero: none is known.
type lifetime struct{ from, to time.Time }

func (l lifetime) known() bool { return !l.to.IsZero() }

// formerLife is that of the longest-lived of the earlier processes of an
// instance, which has the most to tell.
func (in *instance) formerLife() (longest lifetime) {
	for i := 1; i < len(in.starts); i++ {
		l := lifetime{time.UnixMilli(int64(in.starts[i-1] * 1000)), time.UnixMilli(int64(in.starts[i] * 1000))}
		if l.to.Sub(l.from) > longest.to.Sub(longest.from) {
			longest = l
		}
	}
	return longest
}

// ofFormer adds profiles of an earlier process, of those that the archive has:
// its last, and one each of about an hour, two, four and so on before that, which
// show whether a stack that grows again had stopped growing then.
func (p pull) ofFormer(ctx context.Context, b brought, refs []leak.ProfileRef) brought {
	if !p.former.known() {
		return b
	}
	b.looked = true
	var wanted []shot
	var age time.Duration
	for _, ref := range slices.Backward(refs) {
		if len(wanted) == formerShots || !ref.Time.After(p.former.from) {
			break
		}
		if !ref.Time.After(p.former.to) && (len(wanted) == 0 || wanted[0].ref.Time.Sub(ref.Time) >= age) {
			wanted = append(wanted, shot{ref: ref})
			age = max(2*age, 60*p.service.block)
		}
	}
	slices.Reverse(wanted)
	b.former = p.load(ctx, wanted)
	return b
}
