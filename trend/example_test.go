package trend_test

import (
	"fmt"
	"math"
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

// Two instances of a service are scraped every minute for twelve hours. From 03:00 on, one of them
// leaks a goroutine every two minutes. The load of both goes up and down.
func Example() {
	service := trend.NewService(trend.Options{})
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	now := midnight
	for minute := range 3 * 1440 {
		now = midnight.Add(time.Duration(minute) * time.Minute)
		load := 0.5 + 0.2*math.Sin(float64(minute)/40)
		busy := math.Round(20 + 30*load + float64(minute%3))
		leaked := math.Floor(max(0, float64(minute-1440-180)) / 2)
		for name, goroutines := range map[string]float64{"10.0.0.7:8080": busy + leaked, "10.0.0.8:8080": busy} {
			service.Observe(name, trend.Sample{
				T: now.UnixMilli(), Count: goroutines, Load: load, Start: float64(midnight.Unix()),
			})
		}
	}

	verdict := service.Judge(now)
	fmt.Println(verdict.Status)
	for _, growing := range verdict.Instances {
		fmt.Printf("%s: +%.0f goroutines/h since about %s\n", growing.Instance, growing.Rate.Value, growing.Onset.UTC().Format("15h"))
	}
	// Output:
	// leaking
	// 10.0.0.7:8080: +30 goroutines/h since about 03h
}

// A Gate says why growth is not taken for a leak. Here the goroutines follow the load, which is
// worth a profile but not an alert.
func ExampleVerdict() {
	service := trend.NewService(trend.Options{})
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	now := midnight
	for minute := range 12 * 60 {
		now = midnight.Add(time.Duration(minute) * time.Minute)
		load := 0.1 + float64(minute)/300
		service.Observe("10.0.0.7:8080", trend.Sample{
			T: now.UnixMilli(), Count: math.Round(10 + 50*load + float64(minute%3)), Load: load, Start: float64(midnight.Unix()),
		})
	}
	verdict := service.Judge(now)
	fmt.Println(verdict.Status, verdict.Gate == trend.GateFollowsLoad)
	// Output:
	// suspicious true
}
