package monitor

import (
	"context"
	"slices"
	"time"
)

const (
	// maxLives is how many processes of an instance are remembered.
	maxLives = 8
	// formerShots is how many profiles of an earlier one are read.
	formerShots = 6
)

// begins notes the start of a process, in Unix seconds.
func (in *instance) begins(start float64) {
	if n := len(in.starts); start > 0 && (n == 0 || start > in.starts[n-1]+inexact) {
		in.starts = append(in.starts[max(0, n+1-maxLives):], start)
		in.looked = false
	}
}

// formerLife is from when to when the longest-lived of the earlier processes of
// an instance lived, which has the most to tell; zero: none is known.
func (in *instance) formerLife() (from, to time.Time) {
	for i := 1; i < len(in.starts); i++ {
		began, ended := time.UnixMilli(int64(in.starts[i-1]*1000)), time.UnixMilli(int64(in.starts[i]*1000))
		if ended.Sub(began) > to.Sub(from) {
			from, to = began, ended
		}
	}
	return from, to
}

// ofFormer adds profiles of an earlier process from the archive: its last, and
// one each of about an hour, two, four and so on before that, which show whether
// a stack that grows again had stopped growing then.
func (p pull) ofFormer(ctx context.Context, b brought) brought {
	if p.former[1].IsZero() {
		return b
	}
	refs, err := p.archive.Profiles(ctx, p.service.labels, p.instance.name)
	if err != nil {
		p.monitor.logger.Warn("Cannot list the profiles of an earlier process", "instance", p.instance.name, "err", err)
		return b
	}
	b.looked = true
	var wanted []shot
	var age time.Duration
	for _, ref := range slices.Backward(refs) {
		if len(wanted) == formerShots || !ref.Time.After(p.former[0]) {
			break
		}
		if !ref.Time.After(p.former[1]) && (len(wanted) == 0 || wanted[0].ref.Time.Sub(ref.Time) >= age) {
			wanted = append(wanted, shot{ref: ref})
			age = max(2*age, 60*p.service.block)
		}
	}
	slices.Reverse(wanted)
	b.former = p.load(ctx, wanted)
	return b
}
