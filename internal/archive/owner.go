package archive

import (
	"context"
	"encoding/json"
	"time"

	"gocloud.dev/gcerrors"
)

// Owner is a process that writes to the bucket.
type Owner struct {
	// ID is random: one for each run.
	ID      string    `json:"id"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	// Every is the time between two claims
	Every time.Duration `json:"every"`
}

// claimsMissed is how many claims of ours, and of its own, another owner may miss before it
// counts as ended: its interval may be longer than ours, or its machine busy.
const claimsMissed = 3

// tenants is what our claims have shown so far.
type tenants struct {
	claimed bool      // by us
	other   *Owner    // besides us; nil: none
	seen    time.Time // when other was seen, by our clock
	missed  int       // claims of ours since then
}

// found evaluates the document at one of our claims.
func (t *tenants) found(there *Owner, me Owner) {
	switch {
	case !t.claimed: // the owner before us may have ended
		t.claimed = true
	case there != nil && there.ID != me.ID:
		t.other, t.seen, t.missed = there, me.Seen, 0
	case t.other != nil:
		if t.missed++; t.missed >= claimsMissed && me.Seen.Sub(t.seen) >= claimsMissed*t.other.Every {
			t.other = nil
		}
	}
}

// Claim writes this process into the document with a name, again and again, and returns another
// process that does so too: then two processes share one bucket. Documents are whole anyway,
// and the last one counts, but the two may disagree. Clocks are not compared. A process that
// wrote there before our first claim has ended or will show up.
func (a *Archive) Claim(ctx context.Context, name string, me Owner) (other *Owner, err error) {
	a.mtx.Lock()
	defer a.mtx.Unlock()
	ctx, cancel := a.bounded(ctx)
	defer cancel()
	defer func() { err = a.count(opClaim, err) }()

	key := name + ".json"
	text, err := a.read(ctx, key)
	if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return nil, err
	}
	var there *Owner
	if json.Unmarshal(text, &there) != nil {
		there = nil
	}
	text, err = json.MarshalIndent(me, "", " ")
	if err != nil {
		return nil, err
	}
	if err = a.write(ctx, key, aDocument, text); err != nil {
		return nil, err
	}
	a.tenants.found(there, me)
	a.metrics.shared.Set(0)
	if a.tenants.other != nil {
		a.metrics.shared.Set(1)
	}
	return a.tenants.other, nil
}
