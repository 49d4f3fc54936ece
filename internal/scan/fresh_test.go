package scan

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/leak"
)

// mortal is a source of one service that leaks from an onset on, and is killed each time that
// it has leaked a number of goroutines.
type mortal struct {
	onset   time.Time
	perHour float64
	dies    float64
}

func (s *mortal) at(t time.Time) (count, start float64) {
	count = 60 + 20*math.Sin(2*math.Pi*t.Sub(noon).Hours()/24) + math.Round(3*math.Sin(float64(t.Unix()/60)*1.7))
	if t.Before(s.onset) {
		return math.Round(count), float64(noon.Add(-30 * 24 * time.Hour).Unix())
	}
	life := time.Duration(s.dies / s.perHour * float64(time.Hour)).Truncate(time.Minute)
	lives := t.Sub(s.onset) / life
	began := s.onset.Add(lives * life)
	start = float64(began.Unix())
	if lives == 0 {
		start = float64(noon.Add(-30 * 24 * time.Hour).Unix())
	}
	return math.Round(count + s.perHour*t.Sub(began).Hours()), start
}

func (s *mortal) Window(_ context.Context, from, to time.Time) (collector.Window, error) {
	w := collector.Window{From: from, To: to}
	series := collector.Series{Labels: labels.FromStrings("namespace", "shop", "job", "cart", "instance", "a:80")}
	for t := from.Truncate(time.Minute).Add(time.Minute); !t.After(to); t = t.Add(time.Minute) {
		x := collector.Sample{T: t.UnixMilli(), Load: 0.3 + 0.1*math.Sin(2*math.Pi*t.Sub(noon).Hours()/24)}
		x.Count, x.Start = s.at(t)
		series.Samples = append(series.Samples, x)
	}
	w.Series = append(w.Series, series)
	return w, nil
}

// condensed can aggregate its samples, like Prometheus.
type condensed struct{ *mortal }

func (s condensed) Blocks(_ context.Context, from, to time.Time, length time.Duration) (collector.Window, error) {
	w := collector.Window{From: from, To: to}
	series := collector.Series{Labels: labels.FromStrings("namespace", "shop", "job", "cart", "instance", "a:80")}
	for block := from; block.Before(to); block = block.Add(length) {
		all, _ := s.Window(context.Background(), block.Add(-time.Minute), block.Add(length-time.Minute))
		xs := all.Series[0].Samples
		x := xs[len(xs)-1]
		for _, y := range xs {
			x.Count = min(x.Count, y.Count)
		}
		if xs[0].Start == x.Start {
			series.Samples = append(series.Samples, x)
		}
	}
	w.Series = append(w.Series, series)
	return w, nil
}

// open returns the leak that fires.
func open(t *testing.T, leaks []leak.Leak) (l leak.Leak) {
	t.Helper()
	n := 0
	for _, x := range leaks {
		if x.State == leak.Firing {
			l = x
			n++
		}
	}
	require.Equal(t, 1, n, "%+v", leaks)
	return l
}

// A gorowatch that has just started dates a leak like a scan of the same data: it began before
// the present process, and the next end is projected from the earlier ones.
func TestFreshServeSaysWhatAScanSays(t *testing.T) {
	numbers := regexp.MustCompile(`about [0-9,.]+ (min|h|hours|days)$`)
	for _, hours := range []float64{3, 8, 20} {
		for _, perHour := range []float64{100, 600} {
			t.Run(fmt.Sprintf("%v an hour, killed every %v hours", perHour, hours), func(t *testing.T) {
				src := &mortal{onset: noon.Add(50 * time.Hour), perHour: perHour, dies: perHour * hours}
				lives := max(5, 24/hours) // enough to alert, and one more
				end := src.onset.Add(time.Duration((lives*hours + 0.6*hours) * float64(time.Hour)).Truncate(time.Minute))
				begin := end.Add(-7 * 24 * time.Hour)
				r, err := Run(t.Context(), Options{Source: src, Start: begin, End: end})
				require.NoError(t, err)
				scanned := open(t, r.Leaks)

				for name, source := range map[string]collector.SeriesSource{"as it is": src, "in blocks": condensed{src}} {
					var first []leak.Leak
					m, err := monitor.New(t.Context(), monitor.Options{
						Source: source, History: 7 * 24 * time.Hour,
						Notify: func(_ time.Time, leaks []leak.Leak) {
							if first == nil && len(leaks) > 0 && leaks[0].State == leak.Firing {
								first = leaks
							}
						},
					})
					require.NoError(t, err)
					now := end
					for ; first == nil && now.Before(end.Add(2*time.Hour)); now = now.Add(time.Minute) {
						require.NoError(t, m.Cycle(t.Context(), now))
						for m.Behind() {
							require.NoError(t, m.Cycle(t.Context(), now))
						}
					}
					require.NotNil(t, first, "%s: no alert", name)
					fresh := open(t, first)
					require.WithinDuration(t, scanned.Onset, fresh.Onset, time.Hour, name)
					require.WithinDuration(t, src.onset, fresh.Onset, time.Hour, name)

					want := alerting.Projection(scanned, alerting.RenderOptions{})
					got := alerting.Projection(fresh, alerting.RenderOptions{})
					require.Contains(t, want, "a restart at about ")
					require.Contains(t, got, "a restart at about ")
					require.NotContains(t, got, "100,000", "no process has ever come so far")
					left := alerting.HoursLeft(scanned, alerting.RenderOptions{})
					require.InDelta(t, 0.4*hours, left, 0.1*hours, "scan: %s", want)
					require.InDelta(t, left-now.Sub(end).Hours(), alerting.HoursLeft(fresh, alerting.RenderOptions{}), 0.15*hours, "%s: %s", name, got)
					require.Regexp(t, numbers, got)
				}
			})
		}
	}
}
