package view

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stuck is an archive that does not answer.
type stuck struct{ Profiles }

func (stuck) LoadProfile(ctx context.Context, _ string) (*collector.Profile, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// newReader makes a Reader of an archive.
func newReader(p Profiles) *Reader {
	return New(Options{Logger: slog.New(slog.DiscardHandler), Profiles: p})
}

// TestReadPairWaits: a few requests read profiles at a time, and the others wait
// for a bounded time.
func TestReadPairWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader(stuck{})
		errs := make([]error, maxReaders+3)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				_, release, err := r.ReadPair(t.Context(), "", "profiles/a/b.pb.gz")
				defer release()
				errs[i] = err
			})
		}
		synctest.Wait()
		require.Len(t, r.slots, maxReaders, "so many read, the others wait")
		began := time.Now()
		wg.Wait()
		require.LessOrEqual(t, time.Since(began), 2*LoadTimeout)
		late, busy := 0, 0
		for _, err := range errs {
			switch code, text := r.PairProblem(err, ""); {
			case code == 502 && text == "the archive does not answer in time":
				late++
			case code == 503 && text == "too many profiles are being read at the moment":
				busy++
			default:
				t.Errorf("%d: %s", code, text)
			}
		}
		require.GreaterOrEqual(t, late, maxReaders)
		require.Equal(t, len(errs), late+busy)
		require.Empty(t, r.slots, "every slot is free again")
	})
}

// TestReserveGivesUp: a request does not wait for ever while all slots are taken.
func TestReserveGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReader(nil)
		var releases []func()
		for range maxReaders {
			release, err := r.Reserve(t.Context())
			require.NoError(t, err)
			releases = append(releases, release)
		}
		began := time.Now()
		_, err := r.Reserve(t.Context())
		require.ErrorIs(t, err, errBusy)
		require.Equal(t, LoadTimeout, time.Since(began))
		releases[0]()
		_, err = r.Reserve(t.Context())
		require.NoError(t, err, "one is free again")
	})
}

func TestIsProfileKey(t *testing.T) {
	for key, want := range map[string]bool{
		"profiles/prod/checkout/10.0.3.17%3A8080/20260302T140000Z.pb.gz": true,
		"profiles/a":          true,
		"":                    false,
		"profiles":            false,
		"profiles/":           false,
		"profiles/../leaks/a": false,
		"profiles/a/../b":     false,
		"/profiles/a":         false,
		"leaks/3f9c2a7b.json": false,
		`profiles/a\b`:        false,
		"profiles/a\x00b":     false,
		"profiles/a//b":       false,
		"profiles/" + strings.Repeat("x", MaxLink-9): true,
		"profiles/" + strings.Repeat("x", MaxLink-8): false,
	} {
		require.Equal(t, want, IsProfileKey(key), "%.60q", key)
	}
}

// TestPairProblem: the answer says whose mistake it is, and nothing secret.
func TestPairProblem(t *testing.T) {
	r := newReader(nil)
	for name, c := range map[string]struct {
		err  error
		code int
		text string
	}{
		"no key":     {errKey, 400, "expected the key of a profile, profiles/…"},
		"busy":       {errBusy, 503, "too many profiles are being read at the moment"},
		"gone":       {fs.ErrNotExist, 404, "the profile is not in the archive; it may have been older than the retention"},
		"slow":       {context.DeadlineExceeded, 502, "the archive does not answer in time"},
		"given up":   {context.Canceled, 502, "it was given up"},
		"no profile": {collector.Errorf(collector.ReasonNotProfile, "hunter2"), 502, "the profile cannot be read: not_a_profile"},
		"other":      {errors.New("s3://bucket?secret=hunter2: down"), 502, "the archive cannot be read now; the log says why"},
	} {
		code, text := r.PairProblem(c.err, "profiles/a")
		require.Equal(t, c.code, code, name)
		require.Equal(t, c.text, text, name)
	}
	_, release, err := r.ReadPair(t.Context(), "", "profiles/a")
	release()
	require.ErrorIs(t, err, fs.ErrNotExist, "there is no archive")
	refs, err := r.ServiceProfiles(t.Context(), labels.EmptyLabels(), time.Time{}, time.Time{})
	require.NoError(t, err)
	require.Empty(t, refs)
}
