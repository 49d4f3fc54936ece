package alerting_test

import (
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// checkout returns a leak of 1,904 goroutines that send to a channel without a receiver.
func checkout() leak.Leak {
	key := collector.Frame{Func: "main.logHandler.func1", File: "/src/checkout/handler.go", Line: 29}
	return leak.Leak{
		ID: "3f9c2a7b", Service: labels.FromStrings("namespace", "prod", "job", "checkout"),
		State: leak.Firing, Evidence: leak.Aged,
		Onset:      time.Date(2026, 3, 2, 14, 2, 0, 0, time.UTC),
		DetectedAt: time.Date(2026, 3, 2, 14, 40, 0, 0, time.UTC),
		UpdatedAt:  time.Date(2026, 3, 2, 22, 59, 0, 0, time.UTC),
		Rate:       trend.Interval{Value: 212, Low: 190, High: 240}, Leaked: 1904, Share: 0.97,
		Instances: []string{"10.0.0.7:8080"}, InstancesTotal: 1,
		Stacks: []leak.StackGrowth{{Op: "chan send", Frames: []collector.Frame{key}, Key: key, Base: 12, Head: 1916, Share: 0.97}},
	}
}

// Render makes the alert that an Alertmanager gets. Its labels never change while the leak
// lasts; everything that changes is in the annotations.
func ExampleRender() {
	alert := alerting.Render(checkout(), alerting.Warning, alerting.RenderOptions{})
	fmt.Println(alert.Labels)
	fmt.Println(alert.Annotations["summary"])
	// Output:
	// {alertname="GoroutineLeak", job="checkout", leak="3f9c2a7b", namespace="prod", severity="warning"}
	// prod/checkout leaks 212 goroutines/h since 14:02 UTC in main.logHandler.func1 (handler.go:29)
}
