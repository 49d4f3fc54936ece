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

// owner returns the document in the bucket that names the process that writes to it. Each shard has
// its own.
func (a *App) owner() string {
	if a.o.Shard.All() {
		return "owner"
	}
	return "owner-" + strings.ReplaceAll(a.o.Shard.String(), "/", "-of-")
}

// tenancy records whether another process writes to the bucket, and whether the bucket is
// writable while there is no leak to write.
type tenancy struct {
	mtx   sync.Mutex
	other *archive.Owner
	err   error
}

// set takes the result of a claim and reports whether it has changed.
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
		out = append(out, "Cannot use the archive; watching and alerting continue without it: "+t.err.Error())
	}
	if o := t.other; o != nil {
		out = append(out, fmt.Sprintf("Another gorowatch (process %d on %s, started %s) writes to the same archive. They may overwrite each other's leaks. Give each its own storage.url.",
			o.PID, o.Host, since(o.Started)))
	}
	return out
}

// claim writes this process into the bucket at intervals, to find out whether another one does
// the same.
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
				a.logger.Error("Cannot use the archive; watching and alerting continue without it", "err", err)
			case other != nil:
				a.logger.Warn("Another gorowatch writes to the same archive", "host", other.Host, "pid", other.PID, "started", other.Started)
			default:
				a.logger.Info("Archive is usable, and no other gorowatch writes to it")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(me.Every):
		}
	}
}

// claimInterval returns the time between two claims.
func (a *App) claimInterval() time.Duration {
	return min(max(5*a.interval(), time.Second), time.Minute)
}
