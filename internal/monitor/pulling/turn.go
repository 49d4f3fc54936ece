package pulling

import (
	"context"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// maxWaiting is how many pulls of one target may wait for the one that is running.
const maxWaiting = 8

// turn lets one pull of a target run at a time.
type turn struct {
	busy    chan struct{} // holds one while a pull is running
	waiting int           // guarded by the Puller
}

func newTurn() *turn { return &turn{busy: make(chan struct{}, 1)} }

// takeTurn waits until no other pull of the target is running. The caller must call pass on the turn.
func (p *Puller) takeTurn(ctx context.Context, instance labels.Labels) (*turn, error) {
	p.mtx.Lock()
	target := p.target(instance)
	t := target.turn
	select {
	case t.busy <- struct{}{}:
		p.mtx.Unlock()
		return t, nil
	default:
	}
	if t.waiting == maxWaiting {
		err := collector.Errorf(collector.ReasonBudget, "not pulled to spare the target: %d of its profiles are waiting already", maxWaiting)
		target.status.Skipped = err.Error()
		p.mtx.Unlock()
		return nil, err
	}
	t.waiting++
	p.mtx.Unlock()
	defer func() {
		p.mtx.Lock()
		defer p.mtx.Unlock()
		t.waiting--
	}()
	select {
	case t.busy <- struct{}{}:
		return t, nil
	case <-ctx.Done():
		return nil, &collector.Error{Reason: collector.ReasonCanceled, Err: ctx.Err()}
	}
}

// pass lets the next pull of the target run.
func (t *turn) pass() { <-t.busy }
