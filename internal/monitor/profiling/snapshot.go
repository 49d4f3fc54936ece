package profiling

import (
	"sync"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// snapshotBuilder makes the snapshots of a service, which share most of their frames. Pulls use it
// concurrently.
type snapshotBuilder struct {
	mtx   sync.Mutex
	build *stack.Builder // nil: nothing was built yet
}

// snapshot makes the snapshot of a profile, with the counts by pprof label.
func (b *snapshotBuilder) snapshot(p *collector.Profile, text stack.LabelText) *stack.Snapshot {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	if b.build == nil {
		b.build = stack.NewBuilder()
	}
	b.build.CountLabels(text)
	for i := range p.Records {
		_ = b.build.Add(p.Format, &p.Records[i]) // which never fails
	}
	return b.build.Snapshot(p)
}

// reset drops the frames that snapshots share.
func (b *snapshotBuilder) reset() {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	b.build = nil
}
