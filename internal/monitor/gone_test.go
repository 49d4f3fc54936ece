package monitor

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// here returns the instances of the only service that are not gone, by name.
func (w *world) here() (names []string) {
	for _, s := range w.monitor.Services() {
		for _, in := range s.Instances {
			if !in.Gone {
				names = append(names, in.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// An autoscaler goes from two to eight instances and back. Instances count as gone two minutes later, are
// not pulled from then on, and are back as soon as their series are. While nothing can be read, no
// instance counts as gone.
func TestGoneInstances(t *testing.T) {
	w := newWorld(t)
	w.add("api", "a", process{})
	w.add("api", "b", process{})
	w.run(2 * time.Hour)
	for i := range 6 {
		w.add("api", fmt.Sprintf("more-%d", i), process{started: w.now})
	}
	w.run(time.Hour)
	require.Len(t, w.here(), 8)

	one := w.processes["api/more-0"]
	for i := range 6 {
		delete(w.processes, fmt.Sprintf("api/more-%d", i))
	}
	pulled := map[string]int{}
	w.run(time.Minute)
	require.Len(t, w.here(), 8, "one sample may be late")
	w.run(time.Minute)
	require.Equal(t, []string{"a", "b"}, w.here())
	for name, n := range w.pulls {
		pulled[name] = n
	}

	w.run(10 * time.Minute)
	w.processes["api/more-0"] = one
	w.run(time.Minute)
	require.Equal(t, []string{"a", "b", "more-0"}, w.here())
	delete(w.processes, "api/more-0")
	w.run(5 * time.Minute)

	w.down = errors.New("no answer")
	w.run(30 * time.Minute)
	require.Equal(t, []string{"a", "b"}, w.here())
	w.down = nil
	w.run(3 * time.Hour)
	for name, n := range w.pulls {
		if name != "api/a" && name != "api/b" {
			require.Equal(t, pulled[name], n, "%s is gone and was pulled", name)
		}
	}
	require.Greater(t, w.pulls["api/a"], pulled["api/a"])
	require.Empty(t, w.firing())
}

// In a service that leaks, only existing instances are pulled.
func TestSuspectsThatAreGone(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		perHour := 2000.0
		if name == "d" {
			perHour = 1000
		}
		w.add("api", name, process{onset: t0.Add(10 * time.Minute), perHour: perHour, fn: "main.serve"})
	}
	w.run(time.Hour)
	for _, name := range []string{"a", "b", "c"} {
		delete(w.processes, "api/"+name)
	}
	w.run(3 * time.Minute)
	before := w.pulls["api/a"] + w.pulls["api/b"] + w.pulls["api/c"]
	d := w.pulls["api/d"]
	w.run(20 * time.Minute)
	require.Equal(t, before, w.pulls["api/a"]+w.pulls["api/b"]+w.pulls["api/c"])
	require.Greater(t, w.pulls["api/d"], d)
}
