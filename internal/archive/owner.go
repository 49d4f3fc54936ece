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
}

// Claim writes who we are into the document with a name, again and again, and
// returns who else has done so since we last did: then two processes use one
// bucket. Documents are whole anyway, and the last one counts; but they may not
// say the same. Clocks are not compared, and who wrote there before our first
// claim has ended or will show.
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
	var there Owner
	if json.Unmarshal(text, &there) == nil && a.claimed && there.ID != me.ID {
		other = &there
	}
	text, err = json.MarshalIndent(me, "", " ")
	if err != nil {
		return other, err
	}
	if err = a.write(ctx, key, aDocument, text); err != nil {
		return other, err
	}
	a.claimed = true
	a.metrics.shared.Set(0)
	if other != nil {
		a.metrics.shared.Set(1)
	}
	return other, nil
}
