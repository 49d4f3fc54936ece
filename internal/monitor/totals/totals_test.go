package totals

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o  = Options{Interval: time.Minute, Baseline: time.Hour}
	a  = labels.FromStrings("job", "batch", "instance", "a:80")
)

// nobody pushes profiles.
func nobody(labels.Labels) bool { return false }

// minutes lists a for a number of minutes, from a minute on.
func minutes(t *Targets, from, to int) (now time.Time) {
	for i := from; i <= to; i++ {
		now = t0.Add(time.Duration(i) * time.Minute)
		t.List(now, []labels.Labels{a}, o)
	}
	return now
}

func TestATargetIsAskedOnce(t *testing.T) {
	var x Targets
	require.Empty(t, x.Due(minutes(&x, 0, 2), nobody))
	require.Equal(t, []labels.Labels{a}, x.Due(minutes(&x, 3, 3), nobody))
	require.Empty(t, x.Due(minutes(&x, 4, 4), nobody), "it is being asked")
	x.Observe(a, t0, 20)
	require.Empty(t, x.Due(minutes(&x, 5, 90), nobody), "its count is known")
}

func TestATargetThatPushesIsNotAsked(t *testing.T) {
	var x Targets
	now := minutes(&x, 0, 10)
	require.Empty(t, x.Due(now, func(ls labels.Labels) bool { return labels.Equal(ls, a) }))
	require.Len(t, x.Due(now, nobody), 1, "when it pushes no more")
}

func TestTheCountIsHeld(t *testing.T) {
	var x Targets
	now := minutes(&x, 0, 3)
	require.Empty(t, x.Window(now, o).Series)
	x.Observe(a, now, 20)
	now = minutes(&x, 4, 60)
	w := x.Window(now, o)
	require.Equal(t, now, w.To)
	require.Len(t, w.Series, 1)
	require.Equal(t, now.UnixMilli(), w.Series[0].Samples[0].T)
	require.EqualValues(t, 20, w.Series[0].Samples[0].Count)
	require.Len(t, x.Window(minutes(&x, 61, 183), o).Series, 1)
	require.Empty(t, x.Window(minutes(&x, 184, 184), o).Series, "it is too old")
	x.Observe(a, now.Add(3*time.Hour), 25)
	require.Empty(t, x.Window(now.Add(5*time.Hour), o).Series, "it is not listed any more")
}

func TestFailures(t *testing.T) {
	var x Targets
	now := minutes(&x, 0, 3)
	x.Observe(a, now, 20)
	x.Fail(a, now, collector.ReasonBudget, o)
	x.Fail(a, now, collector.ReasonCanceled, o)
	require.Len(t, x.Window(now, o).Series, 1, "put off, which says nothing")
	x.Fail(a, now, collector.ReasonRefused, o)
	require.Empty(t, x.Window(now, o).Series)
	require.Empty(t, x.Due(minutes(&x, 4, 7), nobody))
	require.Len(t, x.Due(minutes(&x, 8, 8), nobody), 1, "after five minutes")
	x.Fail(a, t0.Add(8*time.Minute), collector.ReasonRefused, o)
	require.Empty(t, x.Due(minutes(&x, 9, 17), nobody))
	require.Len(t, x.Due(minutes(&x, 18, 18), nobody), 1, "after ten")
	for range 100 {
		x.Fail(a, t0.Add(18*time.Minute), collector.ReasonRefused, o)
	}
	require.Len(t, x.Due(minutes(&x, 19, 78), nobody), 1, "after a baseline interval at most")
}

func TestTargetsAreForgotten(t *testing.T) {
	var x Targets
	now := minutes(&x, 0, 3)
	x.Observe(a, now, 20)
	x.List(now.Add(time.Hour), nil, o)
	require.True(t, x.Has(a), "its instance is still known")
	require.Empty(t, x.Window(now.Add(time.Hour), o).Series)
	x.List(now.Add(4*time.Hour), nil, o)
	require.False(t, x.Has(a))

	now = minutes(&x, 300, 303)
	x.Observe(a, now, 20)
	x.Drop([]collector.Series{{Labels: labels.FromStrings("job", "other")}})
	require.True(t, x.Has(a))
	x.Drop([]collector.Series{{Labels: a}})
	require.False(t, x.Has(a))
	x.Observe(a, now, 20) // the result of an earlier pull
	require.Empty(t, x.Window(now, o).Series)
}
