package monitor

import (
	"context"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
)

// formerShots is how many profiles of an earlier process are read.
const formerShots = 6

// ofFormer adds profiles of an earlier process, of those that the archive has:
// its last, and one each of about an hour, two, four and so on before that, which
// show whether a stack that grows again had stopped growing then.
func (p pull) ofFormer(ctx context.Context, b brought, refs []leak.ProfileRef) brought {
	if !p.former.Known() {
		return b
	}
	b.looked = true
	var wanted []shot
	var age time.Duration
	for _, ref := range slices.Backward(refs) {
		if len(wanted) == formerShots || !ref.Time.After(p.former.From) {
			break
		}
		if !ref.Time.After(p.former.To) && (len(wanted) == 0 || wanted[0].ref.Time.Sub(ref.Time) >= age) {
			wanted = append(wanted, shot{ref: ref})
			age = max(2*age, 60*p.service.block)
		}
	}
	slices.Reverse(wanted)
	b.former = p.load(ctx, wanted)
	return b
}
