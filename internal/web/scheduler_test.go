package web

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// scheduled is a History with Go's scheduler metrics.
type scheduled struct {
	counts
	x   collector.Scheduler
	ok  bool
	err error
}

func (scheduled) HasScheduler() bool { return true }

func (s scheduled) Scheduler(context.Context, labels.Labels, time.Time) (collector.Scheduler, bool, error) {
	return s.x, s.ok, s.err
}

// The page of a service fetches the scheduler's metrics of its goroutines, if there may be any.
func TestSchedulerPart(t *testing.T) {
	o := options(leaking())
	page := "/services/" + view.ServiceID(checkout)
	require.NotContains(t, body(t, get(t, o, page)), page+"/scheduler")
	history := o.History.(counts)
	for name, c := range map[string]struct {
		s    scheduled
		code int
		says string
	}{
		"all":     {scheduled{x: collector.Scheduler{Waiting: 12345, Runnable: 2, Running: 3, NotInGo: 1, Created: 41.5}, ok: true}, http.StatusOK, "<p>By state: 12,345 waiting, 2 runnable, 3 running, 1 in system calls or C. 42 goroutines are created per second.</p>"},
		"some":    {scheduled{x: collector.Scheduler{Waiting: collector.Unknown, Runnable: collector.Unknown, Running: 3, NotInGo: collector.Unknown, Created: collector.Unknown}, ok: true}, http.StatusOK, "<p>By state: 3 running.</p>"},
		"nothing": {scheduled{}, http.StatusOK, ""},
		"failure": {scheduled{err: collector.Errorf(collector.ReasonTimeout, "<timeout>")}, http.StatusBadGateway, "by state: &lt;timeout&gt;."},
	} {
		t.Run(name, func(t *testing.T) {
			c.s.counts = history
			o := o
			o.History = c.s
			require.Contains(t, body(t, get(t, o, page)), `data-part="`+page+`/scheduler"`)
			part := get(t, o, page+"/scheduler")
			require.Equal(t, c.code, part.StatusCode)
			text := body(t, part)
			require.Contains(t, text, c.says)
			require.Equal(t, c.says == "", len(text) < 5, text)
		})
	}
	require.Equal(t, http.StatusNotFound, get(t, o, "/services/none/scheduler").StatusCode)
}
