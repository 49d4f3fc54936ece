package journal

import (
	"context"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/leak"
)

const (
	// writers is how many documents are written at a time.
	writers = 8
	// A cycle waits for the archive for half of its interval, within these bounds. What is not
	// written by then is tried again at the next cycle.
	minSaveTime = time.Second
	maxSaveTime = 10 * time.Second
)

// Archive stores leaks.
type Archive interface {
	SaveLeak(ctx context.Context, l leak.Leak) error
	Leaks(ctx context.Context) ([]leak.Leak, error)
}

// Journal is what the archive and the log have of the leaks. It belongs to one goroutine,
// except for Report, ArchiveError and LogState.
type Journal struct {
	archive Archive // nil: leaks are only logged
	logger  *slog.Logger

	archived map[string]string // digest of each leak as the archive has it
	logged   map[string]string // likewise, as the log has it
	restore  restore

	states states
	// archiveError is why the archive cannot be written, as pulls and the cycle report it; empty: it
	// can.
	archiveError atomic.Pointer[string]
}

// New makes a Journal. archive may be nil.
func New(archive Archive, logger *slog.Logger) *Journal {
	return &Journal{archive: archive, logger: logger, archived: map[string]string{}, logged: map[string]string{}}
}

// Log writes a line for each leak that has changed.
func (j *Journal) Log(leaks []leak.Leak) {
	known := map[string]bool{}
	for _, l := range leaks {
		known[l.ID] = true
		if l.State == leak.Suspected {
			continue
		}
		if d := digest(l); j.logged[l.ID] != d {
			j.logged[l.ID] = d
			j.logger.Info("Leak", "id", l.ID, "service", l.Service, "state", l.Phase(), "evidence", l.Evidence,
				"stack", l.Signature, "goroutines_per_hour", int(l.Rate.Value), "leaked", int(l.Leaked), "onset", l.Onset.UTC().Format(time.RFC3339))
		}
	}
	gone := func(id, _ string) bool { return !known[id] }
	maps.DeleteFunc(j.archived, gone)
	maps.DeleteFunc(j.logged, gone)
}

// SaveTime returns how long a cycle of the given interval waits for the archive.
func SaveTime(interval time.Duration) time.Duration {
	return min(max(interval/2, minSaveTime), maxSaveTime)
}

// Save writes the leaks that have changed, unless it is unknown what the archive has. After the first
// failure, the others wait for the next cycle.
func (j *Journal) Save(ctx context.Context, leaks []leak.Leak) {
	var changed []leak.Leak
	for _, l := range leaks {
		if l.State != leak.Suspected && j.archived[l.ID] != j.logged[l.ID] {
			changed = append(changed, l)
		}
	}
	if len(changed) == 0 || !j.Restored() {
		return
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	saved := make([]bool, len(changed))
	for i, l := range changed {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := j.archive.SaveLeak(ctx, l)
			saved[i] = err == nil
			return err
		})
	}
	j.Report(group.Wait())
	for i, l := range changed {
		if saved[i] {
			j.archived[l.ID] = j.logged[l.ID]
		}
	}
}

// Report records whether the archive can be written, and logs when that changes.
func (j *Journal) Report(err error) {
	state, text := "", ""
	if err != nil {
		state, text = "failing", err.Error()
	}
	j.archiveError.Store(&text)
	j.LogState("archive", state, func(l *slog.Logger) {
		if err != nil {
			l.Error("Cannot write to the archive; watching and alerting continue", "err", err)
		} else {
			l.Info("Archive can be written again")
		}
	})
}

// ArchiveError returns why the archive cannot be written; empty: it can, or it is unknown.
func (j *Journal) ArchiveError() string {
	if text := j.archiveError.Load(); text != nil {
		return *text
	}
	return ""
}
