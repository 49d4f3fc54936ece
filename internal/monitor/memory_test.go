package monitor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// scales measure the memory of the instances of the world's services.
type scales struct {
	mtx       sync.Mutex
	err       error
	questions map[string]int
	of        map[string]collector.Memory // by instance
}

func (s *scales) Memory(_ context.Context, service labels.Labels, _ []string, _, since time.Time) (out []collector.Memory, _ error) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if since.IsZero() {
		return nil, errors.New("since when?")
	}
	s.questions[service.Get("job")]++
	for name, m := range s.of {
		m.Labels = labels.FromStrings("namespace", "shop", "job", service.Get("job"), "instance", name)
		out = append(out, m)
	}
	return out, s.err
}

// The memory of a service is read while it leaks. The leak shows the instance that reaches its limit first.
func TestMemoryOfALeak(t *testing.T) {
	w := newWorld(t)
	x := &scales{questions: map[string]int{}, of: map[string]collector.Memory{
		"a:1": {Used: 100, Limit: 1000, PerHour: 10}, "b:1": {Used: 300, Limit: 1000, PerHour: 100}, "c:1": {Used: 999, Limit: 1000, PerHour: 100},
	}}
	w.monitor.o.Memory = x
	w.add("healthy", "c:1", process{})
	for _, instance := range []string{"a:1", "b:1"} {
		w.add("cart", instance, process{onset: w.now.Add(time.Hour), perHour: 300, fn: "main.leak"})
	}
	w.add("cart", "c:1", process{})
	for len(w.firing()) == 0 {
		w.run(time.Minute)
	}
	w.run(15 * time.Minute)
	require.Equal(t, &leak.Memory{Instance: "b:1", Used: 300, Limit: 1000, PerHour: 100}, w.firing()[0].Memory, "c does not leak")
	require.Zero(t, x.questions["healthy"])
	before := x.questions["cart"]
	x.err = errors.New("no such metric")
	w.run(30 * time.Minute)
	require.InDelta(t, 6, x.questions["cart"]-before, 1, "every five minutes")
	require.NotNil(t, w.firing()[0].Memory, "the last that was known")
	require.Equal(t, 1, w.lines("Cannot read the memory of leaking services"))
}
