package journal

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// bucket is an archive of leaks.
type bucket struct {
	mtx    sync.Mutex
	leaks  map[string]leak.Leak
	writes int
	err    error // of reads and writes
}

func (b *bucket) SaveLeak(_ context.Context, l leak.Leak) error {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	if b.err != nil {
		return b.err
	}
	b.writes++
	b.leaks[l.ID] = l
	return nil
}

func (b *bucket) Leaks(context.Context) (out []leak.Leak, _ error) {
	for _, l := range b.leaks {
		out = append(out, l)
	}
	return out, b.err
}

func newJournal() (*Journal, *bucket, *bytes.Buffer) {
	b, log := &bucket{leaks: map[string]leak.Leak{}}, &bytes.Buffer{}
	return New(b, slog.New(slog.NewTextHandler(log, nil))), b, log
}

func anyService(labels.Labels) bool { return true }

// A leak is logged and written when it changes, and again after a failure.
func TestOnlyChangesAreWritten(t *testing.T) {
	j, b, log := newJournal()
	evaluate := func(list ...leak.Leak) {
		j.Log(list)
		j.Save(t.Context(), list)
	}
	l := leak.Leak{ID: "one", State: leak.Firing, Onset: noon, UpdatedAt: noon, Leaked: 100}
	evaluate(l, leak.Leak{ID: "two", State: leak.Suspected})
	require.Equal(t, 1, b.writes, "a suspicion is not written")

	l.UpdatedAt, l.Leaked = noon.Add(time.Minute), 101
	evaluate(l)
	require.Equal(t, 1, b.writes, "it is about the same")

	b.err = errors.New("bucket is down")
	l.State = leak.Resolved
	evaluate(l)
	evaluate(l)
	require.Equal(t, "bucket is down", j.ArchiveError())
	require.Equal(t, leak.Firing, b.leaks["one"].State)
	require.Equal(t, 1, strings.Count(log.String(), "Cannot write to the archive"), "once")

	b.err = nil
	evaluate(l)
	require.Empty(t, j.ArchiveError())
	require.Equal(t, leak.Resolved, b.leaks["one"].State)
	require.Equal(t, 2, strings.Count(log.String(), "msg=Leak"))
}

// While it is unknown what the archive has of earlier runs, nothing there is overwritten.
func TestNothingIsOverwrittenBeforeItIsRead(t *testing.T) {
	j, b, _ := newJournal()
	require.False(t, j.StartRestore(), "nothing is missing")
	b.leaks["old"] = leak.Leak{ID: "old", State: leak.Firing, DetectedAt: noon}
	j.ForgetArchive()

	found := leak.Leak{ID: "old", State: leak.Firing, DetectedAt: noon.Add(time.Hour)}
	j.Log([]leak.Leak{found})
	j.Save(t.Context(), []leak.Leak{found})
	require.Zero(t, b.writes)

	require.True(t, j.StartRestore())
	require.False(t, j.StartRestore(), "it is being read")
	leaks, err := j.Read(t.Context())
	require.Equal(t, []leak.Leak{b.leaks["old"]}, j.Restore(leaks, err, anyService))
	require.True(t, j.Restored())
}

// Leaks that can be read are restored once, even if others cannot; after some time watching
// continues without those.
func TestLeaksThatCanNeverBeRead(t *testing.T) {
	j, b, log := newJournal()
	b.leaks["one"] = leak.Leak{ID: "one", State: leak.Firing, Service: labels.FromStrings("job", "a")}
	b.leaks["two"] = leak.Leak{ID: "two", State: leak.Firing, Service: labels.FromStrings("job", "b")}
	b.err = errors.New("a document is broken")
	owns := func(service labels.Labels) bool { return service.Get("job") == "a" }
	for i := range maxPartialReads {
		require.Equal(t, i > 0, j.StartRestore())
		leaks, err := j.Read(t.Context())
		if restored := j.Restore(leaks, err, owns); i == 0 {
			require.Len(t, restored, 1)
		} else {
			require.Empty(t, restored)
		}
	}
	require.True(t, j.Restored())
	require.Contains(t, log.String(), "Cannot read some leaks of earlier runs")
}
