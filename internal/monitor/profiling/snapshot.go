package profiling

import (
	"sync"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// snapshotBuilder makes the snapshots of a service, which share most of their
// frames. Pulls use it concurrently.
type snapshotBuilder struct {
	mtx   sync.Mutex
	build *stack.Builder // nil: nothing was built yet
}

// snapshot is stack.Of a profile.
func (b *snapshotBuilder) snapshot(p *collector.Profile) *stack.Snapshot {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	if b.build == nil {
		b.build = stack.NewBuilder()
	}
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
