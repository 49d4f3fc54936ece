package monitor

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/leak"
)

// handedOut has what pages, the notifier and the archive received.
type handedOut struct {
	leaks    []leak.Leak
	captures []ondemand.Capture
	services []Service
}

func (h handedOut) text() string {
	leaks, err := json.Marshal(h.leaks)
	captures, failed := json.Marshal(h.captures)
	return fmt.Sprintf("%s\n%s\n%+v\n%v", leaks, captures, h.services, errors.Join(err, failed))
}

// Readers keep what they received for as long as they like, and read it while the next cycles
// run.
func TestWhatTheMonitorHandsOutDoesNotChange(t *testing.T) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 300, fn: "example.org/shop.leak"})
	w.add("checkout", "b", process{})

	given := make(chan handedOut)
	done := make(chan struct{})
	go func() { // reads while cycles run; the race detector watches
		defer close(done)
		var all []handedOut
		for h := range given {
			all = append(all, h)
			for _, h := range all[max(0, len(all)-5):] {
				_ = h.text()
			}
		}
	}()
	var all []handedOut
	var texts []string
	run := func(d time.Duration) {
		for end := w.now.Add(d); w.now.Before(end); {
			w.run(time.Minute)
			h := handedOut{w.monitor.Leaks(), w.monitor.Captures(), w.monitor.Services()}
			all, texts = append(all, h), append(texts, h.text())
			given <- h
		}
	}
	run(2 * time.Hour)
	require.NoError(t, w.monitor.Request(t.Context(), w.now, Request{Service: labels.FromStrings("namespace", "shop", "job", "checkout"), Why: "TooManyGoroutines"}))
	run(90 * time.Minute)
	require.Len(t, w.firing(), 1)
	require.Equal(t, leak.Aged, w.firing()[0].Evidence)
	require.Positive(t, w.firing()[0].Stacks[0].Wait, "a dump has been taken")
	require.NotEmpty(t, w.monitor.Captures())
	p.started, p.onset = w.now, w.now.Add(time.Hour)
	run(3 * time.Hour)
	delete(w.processes, "checkout/a")
	run(2 * time.Hour)
	close(given)
	<-done
	for i, h := range all {
		require.Equal(t, texts[i], h.text(), "what was handed out in minute %d", i+1)
	}
}
