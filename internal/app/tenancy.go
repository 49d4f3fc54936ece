package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/internal/archive"
)

// owner is the document of the bucket that says who writes to it. Shards share a
// bucket: each has one.
func (a *App) owner() string {
	if a.o.Shard.All() {
		return "owner"
	}
	return "owner-" + strings.ReplaceAll(a.o.Shard.String(), "/", "-of-")
}

// tenancy is whether the bucket is ours alone, and whether it can be written at
// all while there is no leak to be written.
type tenancy struct {
	mtx   sync.Mutex
	other *archive.Owner
	err   error
}

// set takes the result of a claim and tells whether it is news.
func (t *tenancy) set(other *archive.Owner, err error) (news bool) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	news = (t.err == nil) != (err == nil)
	if err == nil { // else nothing is known of others
		news = news || (t.other == nil) != (other == nil)
		t.other = other
	}
	t.err = err
	return news
}

func (t *tenancy) notices() (out []string) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	if t.err != nil {
		out = append(out, "The archive cannot be used; watching and alerting go on: "+t.err.Error())
	}
	if o := t.other; o != nil {
		out = append(out, fmt.Sprintf("Another gorowatch (process %d on %s, started %s) writes to the same archive: what they know of leaks may overwrite each other. Give each a storage.url of its own.",
			o.PID, o.Host, since(o.Started)))
	}
	return out
}

// claim writes into the bucket who we are, again and again, to find out whether
// somebody else does.
func (a *App) claim(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	me := archive.Owner{ID: rand.Text(), Host: host, PID: os.Getpid(), Started: a.started.UTC()}
	for {
		me.Seen, me.Every = time.Now().UTC(), a.claimInterval()
		other, err := a.archive.Claim(ctx, a.owner(), me)
		if ctx.Err() != nil {
			return nil
		}
		if a.tenancy.set(other, err) {
			switch {
			case err != nil:
				a.logger.Error("The archive cannot be used; watching and alerting go on", "err", err)
			case other != nil:
				a.logger.Warn("Another gorowatch writes to the same archive", "host", other.Host, "pid", other.PID, "started", other.Started)
			default:
				a.logger.Info("The archive can be used, and by us alone")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(me.Every):
		}
	}
}

// claimInterval is the time between two claims.
func (a *App) claimInterval() time.Duration {
	return min(max(5*a.interval(), time.Second), time.Minute)
}
