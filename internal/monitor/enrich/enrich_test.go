package enrich

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/journal"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// leaky makes a service with an instance that leaks.
func leaky(job string) *watch.Service {
	f := fleet.NewService(labels.FromStrings("job", job), time.Minute)
	f.Register(labels.FromStrings("job", job, "instance", "a"), collector.Sample{})
	f.SetWatched([]trend.Instance{{Name: "a", Started: noon.Add(-time.Hour)}})
	s := watch.New(f, trend.Options{Base: time.Minute}, lifecycle.Options{Base: time.Minute, Interval: time.Minute})
	s.Leaks.Observe(lifecycle.Observation{Restored: []leak.Leak{{ID: job, State: leak.Firing, Onset: noon, Instances: []string{"a"}}}})
	return s
}

// systems are the systems of a test.
type systems struct {
	asked map[string]int // number of questions by subject
	err   error
}

func (x *systems) Memory(_ context.Context, service labels.Labels, _ []string, _, _ time.Time) ([]collector.Memory, error) {
	x.asked[service.Get("job")]++
	return []collector.Memory{{Labels: labels.NewBuilder(service).Set("instance", "a").Labels(), Used: 1, Limit: 10}}, x.err
}

func (x *systems) Versions(context.Context, time.Time) (func(labels.Labels) string, error) {
	x.asked["versions"]++
	return func(labels.Labels) string { return "v1.42.0" }, x.err
}

func (x *systems) Presence(_ context.Context, _ time.Time, instance labels.Labels) collector.Presence {
	x.asked[instance.Get("job")+"/"+instance.Get("instance")]++
	return collector.PresencePresent
}

func newSources() (*Sources, *systems, *bytes.Buffer) {
	x, log := &systems{asked: map[string]int{}}, &bytes.Buffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	return &Sources{Memory: x, Versions: x, Targets: x, GroupBy: []string{"job"}, Interval: time.Minute, Logger: logger, Journal: journal.New(nil, logger)}, x, log
}

func askAll(t *testing.T, questions []Question) {
	t.Helper()
	for _, q := range questions {
		if a := q.Ask(t.Context()); a != nil {
			a.Apply()
		}
	}
}

// Many leaks do not overload the source of their memory.
func TestMemoryOfManyLeaks(t *testing.T) {
	o, x, _ := newSources()
	var services []*watch.Service
	for i := range 35 {
		services = append(services, leaky(fmt.Sprint(i)))
	}
	for n := 1; n <= 4; n++ {
		askAll(t, o.MemoryQuestions(noon, services))
		require.Len(t, x.asked, min(n*maxMemory, 35))
	}
	require.NotNil(t, services[0].Leaks.Leaks()[0].Memory)
}

// An error is logged once, and the question is asked again.
func TestMemoryThatCannotBeRead(t *testing.T) {
	o, x, log := newSources()
	s := leaky("api")
	x.err = errors.New("no such metric")
	for i := range 3 {
		askAll(t, o.MemoryQuestions(noon.Add(time.Duration(i)*memoryInterval*time.Minute), []*watch.Service{s}))
	}
	require.Equal(t, 3, x.asked["api"])
	require.Nil(t, s.Leaks.Leaks()[0].Memory)
	require.Equal(t, 1, strings.Count(log.String(), "Cannot read the memory of leaking services"))
}

// Versions are asked for while one is unknown, and rarely.
func TestVersions(t *testing.T) {
	o, x, _ := newSources()
	s := leaky("api")
	var schedule Schedule
	ask := func(now time.Time) { askAll(t, o.VersionQuestions(now, &schedule, []*watch.Service{s})) }
	x.err = errors.New("down")
	ask(noon)
	ask(noon.Add(time.Minute))
	require.Equal(t, 1, x.asked["versions"])
	x.err = nil
	ask(noon.Add(versionInterval * time.Minute))
	require.Equal(t, map[string]string{"a": "v1.42.0"}, s.Fleet.Versions(""))
	ask(noon.Add(time.Hour))
	require.Equal(t, 2, x.asked["versions"], "it is known")
	o.VersionLabel = "release"
	s.Fleet.SetWatched([]trend.Instance{{Name: "a", Started: noon}})
	ask(noon.Add(2 * time.Hour))
	require.Equal(t, 2, x.asked["versions"], "a label has it")
}

// The instances of leaks are asked about at intervals.
func TestPresence(t *testing.T) {
	o, x, _ := newSources()
	s := leaky("api")
	services := []*watch.Service{s}
	for i := range 10 {
		askAll(t, o.PresenceQuestions(noon.Add(time.Duration(i)*time.Minute), slices.Values(services)))
	}
	require.Equal(t, 2, x.asked["api/a"])
	require.Equal(t, collector.PresencePresent, s.Fleet.Presence(noon.Add(10*time.Minute), time.Minute)("a"))
	o.Targets = nil
	require.Empty(t, o.PresenceQuestions(noon.Add(time.Hour), slices.Values(services)))
}
