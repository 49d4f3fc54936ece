package web

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/trend"
)

// The page of a service shows a real verdict: how much longer a new leak has to grow.
func TestWhyOfARealVerdict(t *testing.T) {
	s := trend.NewService(trend.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	start := at.Add(-1500 * time.Minute)
	var v trend.Verdict
	for m := range 1500 {
		now := start.Add(time.Duration(m) * time.Minute)
		s.Observe("a", trend.Sample{T: now.UnixMilli(), Count: 100 + 2*r.ExpFloat64() + max(0, float64(m-1440))*0.5, Load: 1, Start: 1})
		v = s.Judge(now)
	}
	require.True(t, v.Status.Grows())
	require.Positive(t, v.Wait)
	watched := view.Service{Labels: labels.FromStrings("job", "a"), Status: v.Status, Gate: v.Gate, Z: v.Z, Confidence: v.Confidence, Wait: v.Wait}
	o := options(&state{services: []view.Service{watched}, explain: s.Explain()})
	want := fmt.Sprintf("%% sure of a leak (needs at least %.0f more hours)", v.Wait.Hours())
	open := visit(t, o)
	for _, path := range []string{"/services", "/services/" + view.ServiceID(watched.Labels), "/api/v1/services"} {
		require.Contains(t, body(t, open(httptest.NewRequest("GET", path, nil))), want, path)
	}
}
