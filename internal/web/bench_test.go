package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/trend"
)

// large returns a state of 1 000 services and 200 leaks.
func large() *state {
	s := leaking()
	first := s.leaks[3]
	for n := range 200 {
		l := first
		l.ID, l.Service = fmt.Sprintf("id%06d", n), labels.FromStrings("namespace", fmt.Sprintf("team-%03d", n), "job", "a-service-with-a-usual-name")
		s.leaks = append(s.leaks, l)
	}
	for n := range 1000 {
		ls := labels.FromStrings("namespace", fmt.Sprintf("team-%03d", n%200), "job", fmt.Sprintf("a-service-with-a-usual-name-%d", n))
		s.services = append(s.services, view.Service{
			Labels: ls, Instances: n, Count: 1e4, Floor: 9e3, Status: trend.Quiet, Gate: trend.GateFollowsLoad, LastSample: at.Add(-time.Minute),
		})
		s.targets = append(s.targets, view.Target{Labels: ls, URL: "http://10.0.0.1:8080/debug/pprof/goroutine", State: view.TargetUp, LastPull: at, Error: "in plain words, why there was none"})
	}
	// Every cell of the heat map is hot: that is the largest.
	s.ring = map[string]*hourly.Ring{}
	for _, x := range s.services {
		ring := &hourly.Ring{}
		for h := range hourly.Hours {
			ring.Observe(at.Add(time.Duration(h-hourly.Hours)*time.Hour), .97, 1234, time.Hour)
		}
		s.ring[x.Labels.Get("job")] = ring
	}
	return s
}

// largePages are those whose size depends on the fleet, and the page of one of its leaks.
var largePages = []string{
	"/", "/?page=3&resolved=1", "/?q=team-1", "/leaks/id000042", "/leaks/nosuch",
	"/services", "/services?page=10", "/services/" + view.ServiceID(checkout), "/targets", "/targets?page=10", "/status", "/fleet", "/fleet?state=week", "/setup",
}

// TestLarge: the pages of a large fleet are not too large for a phone.
func TestLarge(t *testing.T) {
	open := visit(t, options(large()))
	for _, path := range largePages {
		page := body(t, open(httptest.NewRequest(http.MethodGet, path, nil)))
		t.Logf("%s: %d KB", path, len(page)>>10)
		require.Less(t, len(page), 300<<10, path)
	}
}

// tallied is a State that counts how often the targets are listed.
type tallied struct {
	*state
	lists int
}

func (s *tallied) Targets() []view.Target {
	s.lists++
	return s.state.Targets()
}

// TestTargetsAreListedWhereTheyAreShown, and nowhere else, because the list of a large fleet
// takes longest to make.
func TestTargetsAreListedWhereTheyAreShown(t *testing.T) {
	for _, fleet := range []*state{large(), {services: large().services, targets: large().targets}} {
		s := &tallied{state: fleet}
		open := visit(t, options(s))
		for _, path := range append([]string{"/nosuch", "/services/nosuch", "/compare", "/static/nosuch", "/api/v1/leaks", "/api/v1/services", "/-/healthy", "/metrics"}, largePages...) {
			s.lists = 0
			open(httptest.NewRequest(http.MethodGet, path, nil))
			want := 0
			if strings.HasPrefix(path, "/targets") || path == "/setup" {
				want = 1
			}
			require.Equal(t, want, s.lists, path)
		}
	}
	require.Contains(t, text(body(t, get(t, options(&state{services: large().services, targets: large().targets}), "/"))), "and 1,003 targets", "without the one that is gone")
}

func BenchmarkPages(b *testing.B) {
	h, err := New(options(large()))
	require.NoError(b, err)
	for _, path := range append(largePages, "/api/v1/leaks", "/api/v1/services", historyURL("points=1000")) {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}
