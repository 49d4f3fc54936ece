package web

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// stuck is a bucket that does not answer.
type stuck struct{}

func (stuck) ServiceProfiles(ctx context.Context, _ labels.Labels, _, _ time.Time) ([]leak.ProfileRef, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stuck) LoadProfile(ctx context.Context, _ string) (*collector.Profile, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (stuck) OpenProfile(ctx context.Context, _ string) (io.ReadCloser, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestManyReaders: a request that compares profiles waits for a slot, but not for ever.
func TestManyReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(leaking())
		o.Profiles = stuck{}
		h, err := New(o)
		require.NoError(t, err)
		codes := make([]int, 7) // more than there are slots
		var wg sync.WaitGroup
		for i := range codes {
			wg.Go(func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, diffURL("/api/v1/diff", "", archived().refs[0].Key), nil))
				codes[i] = w.Code
			})
		}
		wg.Wait()
		for _, code := range codes {
			require.Contains(t, []int{http.StatusBadGateway, http.StatusServiceUnavailable}, code)
		}
		require.Contains(t, codes, http.StatusBadGateway)
	})
}

// TestSlowBucket: pages appear at once, and the parts that need the bucket say in a bounded
// time that it does not answer.
func TestSlowBucket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(leaking())
		o.Profiles = stuck{}
		h, err := New(o)
		require.NoError(t, err)
		visit := func(path string) (*httptest.ResponseRecorder, time.Duration) {
			w, began := httptest.NewRecorder(), time.Now()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			return w, time.Since(began)
		}
		service := "/services/" + view.ServiceID(checkout)
		for _, path := range []string{"/", "/leaks/3f9c2a7b", "/services", service, compareURL(""), "/targets", "/status"} {
			w, took := visit(path)
			require.Equal(t, http.StatusOK, w.Code, path)
			require.Zero(t, took, path)
		}
		for path, code := range map[string]int{
			service + "/profiles":                               http.StatusBadGateway,
			compareURL("/table"):                                http.StatusBadGateway,
			"/api/v1" + service + "/profiles":                   http.StatusBadGateway,
			"/api/v1/leaks/3f9c2a7b/stacks":                     http.StatusBadGateway,
			"/api/v1" + service + "/history":                    http.StatusOK, // all but the profiles
			diffURL("/api/v1/diff", "", archived().refs[0].Key): http.StatusBadGateway,
		} {
			w, took := visit(path)
			require.Equal(t, code, w.Code, path)
			require.Contains(t, w.Body.String(), "the archive does not answer in time", path)
			require.LessOrEqual(t, took, view.LoadTimeout, path)
		}
	})
}
