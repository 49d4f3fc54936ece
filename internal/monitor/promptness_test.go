package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Once a leak has all that it needs to fire, a pull or the verdict on the counts, it fires within two
// evaluations.
func TestHowSoonALeakFires(t *testing.T) {
	for name, p := range map[string]process{
		"slow": {perHour: 60}, "usual": {perHour: 300}, "fast": {perHour: 2000},
		"as idle workers wait": {perHour: 300, op: "chan receive"}, "without ages": {perHour: 3000, steady: 2000},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			onset := w.now.Add(2 * time.Hour)
			p.onset, p.fn = onset, "main.leak"
			w.add("cart", "a:1", p)
			var suspicious, last time.Time
			pulls, alarmed := 0, false
			for fires := false; !fires; {
				w.run(time.Minute)
				require.Less(t, w.now.Sub(t0), 48*time.Hour)
				status := w.monitor.Services()[0].Verdict.Status
				if suspicious.IsZero() && status.Grows() {
					suspicious = w.now
				}
				for _, l := range w.updates[len(w.updates)-1] {
					fires = fires || l.State == leak.Firing
				}
				if alarm := status == trend.Leaking; alarm && !alarmed {
					alarmed, last = true, w.now
				}
				if n := w.pulls["cart/a:1"]; n != pulls && !fires { // a pull now counts from the next evaluation on
					pulls, last = n, w.now
				}
			}
			require.False(t, suspicious.IsZero())
			t.Logf("suspicious %s after the onset, fired %s after that, %s after the last pull or the alarm", suspicious.Sub(onset), w.now.Sub(suspicious), w.now.Sub(last))
			require.LessOrEqual(t, w.now.Sub(last), 2*w.monitor.o.Interval, fmt.Sprint(w.firing()))
		})
	}
}
