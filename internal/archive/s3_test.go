package archive

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	_ "gocloud.dev/blob/s3blob"

	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/leak"
)

// s3 is an object store in this process that speaks S3's protocol. It is not
// S3: it checks no signature and is never slow by itself.
type s3 struct {
	url string
	// refuse, if set, selects the requests that are answered with 403, which is not retried.
	refuse atomic.Pointer[func(r *http.Request) bool]
}

func newS3(t *testing.T) *s3 {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("leaks"))
	fake := gofakes3.New(backend).Server()
	s := &s3{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse := s.refuse.Load(); refuse != nil && (*refuse)(r) {
			http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { http.DefaultTransport.(*http.Transport).CloseIdleConnections() })
	s.url = "s3://leaks?region=eu-central-1&use_path_style=true&endpoint=" + server.URL
	return s
}

// Each kind of request may fail. That is an error and is counted, and afterwards everything
// works.
func TestStoreThatFails(t *testing.T) {
	kinds := map[string]func(r *http.Request) bool{
		"everything": func(*http.Request) bool { return true },
		"writing":    func(r *http.Request) bool { return r.Method == http.MethodPut },
		"reading":    func(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "" },
		"listing":    func(r *http.Request) bool { return r.URL.Query().Get("list-type") != "" },
		"deleting":   func(r *http.Request) bool { return r.Method == http.MethodDelete },
	}
	fails := map[string][]operation{
		"everything": {opSaveProfile, opListProfiles, opLoadProfile, opSaveLeak, opLoadLeaks, opSaveCapture, opLoadCaptures, opSweep, opClaim},
		"writing":    {opSaveProfile, opSaveLeak, opSaveCapture, opClaim},
		"reading":    {opLoadProfile, opLoadLeaks, opLoadCaptures, opSweep, opClaim},
		"listing":    {opListProfiles, opLoadLeaks, opLoadCaptures, opSweep},
		"deleting":   {opSweep},
	}
	for name, refuse := range kinds {
		t.Run(name, func(t *testing.T) {
			store := newS3(t)
			a := open(t, store.url, nil)
			ref, err := a.SaveProfile(t.Context(), shop, "a", noon, profile("1"))
			require.NoError(t, err)
			require.NoError(t, a.SaveLeak(t.Context(), aLeak("one")))
			old := aLeak("old")
			old.State, old.ResolvedAt, old.Onset = leak.Resolved, noon.Add(-time.Hour), noon.Add(-48*time.Hour)
			require.NoError(t, a.SaveLeak(t.Context(), old))

			require.NoError(t, a.SaveCapture(t.Context(), ondemand.Capture{ID: "one", At: noon}))

			operations := map[operation]func() error{
				opSaveProfile: func() error {
					_, err := a.SaveProfile(t.Context(), shop, "a", noon.Add(time.Minute), profile("1"))
					return err
				},
				opListProfiles: func() error { _, err := a.Profiles(t.Context(), shop, "a"); return err },
				opLoadProfile:  func() error { _, err := a.LoadProfile(t.Context(), ref.Key); return err },
				opSaveLeak:     func() error { return a.SaveLeak(t.Context(), aLeak("two")) },
				opLoadLeaks:    func() error { _, err := a.Leaks(t.Context()); return err },
				opSaveCapture:  func() error { return a.SaveCapture(t.Context(), ondemand.Capture{ID: "two"}) },
				opLoadCaptures: func() error { _, err := a.Captures(t.Context()); return err },
				opSweep:        func() error { return a.Sweep(t.Context(), noon, time.Minute, nil) },
				opClaim:        func() error { _, err := a.Claim(t.Context(), "owner", Owner{ID: "me"}); return err },
			}
			store.refuse.Store(&refuse)
			for op, run := range operations {
				before := a.counted(string(op), "error")
				err := run()
				if !slices.Contains(fails[name], op) {
					require.NoError(t, err, op)
					require.Equal(t, 1.0, testutil.ToFloat64(a.metrics.up), op)
					continue
				}
				require.Error(t, err, op)
				require.NotErrorIs(t, err, fs.ErrNotExist, "that it cannot be read does not mean that it is not there")
				require.Equal(t, before+1, a.counted(string(op), "error"), op)
				require.Equal(t, 0.0, testutil.ToFloat64(a.metrics.up), op)
			}
			store.refuse.Store(nil)
			for op, run := range operations {
				require.NoError(t, run(), op)
				require.Equal(t, 1.0, testutil.ToFloat64(a.metrics.up), op)
			}
		})
	}
}

// A store that accepts requests and never answers blocks an operation for its timeout and no
// longer.
func TestStoreThatHangs(t *testing.T) {
	store := newS3(t)
	a := open(t, store.url, nil)
	a.o.Timeout = 50 * time.Millisecond
	released := make(chan struct{})
	defer close(released)
	hang := func(*http.Request) bool { <-released; return true }
	store.refuse.Store(&hang)
	_, err := a.SaveProfile(t.Context(), shop, "a", noon, profile("1"))
	require.Error(t, err)
	require.Error(t, a.SaveLeak(t.Context(), aLeak("one")))
	_, err = a.Leaks(t.Context())
	require.Error(t, err)
	_, err = a.Profiles(t.Context(), shop, "a")
	require.Error(t, err)
	_, err = a.Claim(t.Context(), "owner", Owner{ID: "me"})
	require.Error(t, err)
}
