package monitor

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// steadySeries is a source of many instances with one sample a minute.
type steadySeries struct{ series []collector.Series }

func newSteadySeries(services, instances int) *steadySeries {
	s := &steadySeries{}
	for i := range services {
		for k := range instances {
			s.series = append(s.series, collector.Series{
				Labels:  labels.FromStrings("namespace", "shop", "job", fmt.Sprint(i), "instance", fmt.Sprintf("10.0.%d.%d:8080", i, k)),
				Samples: make([]collector.Sample, 1),
			})
		}
	}
	return s
}

func (s *steadySeries) Window(_ context.Context, from, to time.Time) (collector.Window, error) {
	for i := range s.series {
		s.series[i].Samples[0] = collector.Sample{T: to.UnixMilli(), Count: 50 + wobble(to.Add(time.Duration(i)*time.Minute)), Load: 0.2, Start: float64(t0.Unix())}
	}
	return collector.Window{From: from, To: to, Series: s.series}, nil
}

// BenchmarkCycle measures one evaluation of 10,000 instances of 1,000 healthy services.
func BenchmarkCycle(b *testing.B) {
	m, err := New(b.Context(), Options{Source: newSteadySeries(1000, 10), History: time.Minute})
	require.NoError(b, err)
	now := t0
	cycle := func() {
		now = now.Add(time.Minute)
		if err := m.Cycle(b.Context(), now); err != nil {
			b.Fatal(err)
		}
	}
	for range 30 {
		cycle()
	}
	b.ReportAllocs()
	for b.Loop() {
		cycle()
	}
}
