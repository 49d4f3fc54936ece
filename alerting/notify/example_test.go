package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/notify"
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

// A Notifier gets all leaks after each evaluation, and sends the due alerts while it runs.
func ExampleNotifier() {
	received := make(chan string, 1)
	alertmanager := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var alerts []struct{ Labels map[string]string }
		if err := json.NewDecoder(r.Body).Decode(&alerts); err == nil {
			received <- fmt.Sprintf("%s %s: %s of %s", r.Method, r.URL.Path, alerts[0].Labels["alertname"], alerts[0].Labels["job"])
		}
	}))
	defer alertmanager.Close()
	address, err := url.Parse(alertmanager.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	notifier, err := notify.New(ctx, notify.Options{Config: notify.Config{
		Alertmanagers: []alerting.Alertmanager{{URL: address, Client: alertmanager.Client()}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	done := make(chan error)
	go func() { done <- notifier.Run(ctx) }()

	notifier.Update([]leak.Leak{checkout()}, time.Now())
	fmt.Println(<-received)

	stop()
	fmt.Println(<-done)
	// Output:
	// POST /api/v2/alerts: GoroutineLeak of checkout
	// <nil>
}
