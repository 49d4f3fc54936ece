// Package leaktest has leaks that the tests of package alerting and its rooms share.
// Only tests import it.
package leaktest

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Detected is when Checkout was detected.
var Detected = time.Date(2026, 3, 2, 14, 40, 0, 0, time.UTC)

// Checkout returns a leak as in the documentation.
func Checkout() leak.Leak {
	key := collector.Frame{Func: "main.logHandler.func1", File: "/src/checkout/handler.go", Line: 29}
	return leak.Leak{
		ID:         "3f9c2a7b",
		Service:    labels.FromStrings("namespace", "prod", "job", "checkout"),
		Signature:  "chan send;main.logHandler.func",
		State:      leak.Firing,
		Evidence:   leak.Aged,
		Missing:    "the target has no /debug/pprof/goroutineleak (Go 1.27 has)",
		Onset:      time.Date(2026, 3, 2, 14, 2, 10, 0, time.UTC),
		DetectedAt: Detected,
		UpdatedAt:  time.Date(2026, 3, 2, 22, 59, 0, 0, time.UTC),
		Version:    "v1.42.0",
		Rate:       trend.Interval{Value: 212.3, Low: 190.1, High: 240.2},
		Leaked:     1904,
		Share:      0.97,
		Instances:  []string{"10.0.0.7:8080", "10.0.0.8:8080", "10.0.0.9:8080"}, InstancesTotal: 8,
		Stacks: []leak.StackGrowth{{
			Op: "chan send", Frames: []collector.Frame{key}, Key: key,
			CreatedBy: collector.Frame{Func: "main.logHandler", File: "/src/checkout/handler.go", Line: 18},
			Base:      12, Head: 1916, Share: 0.97, Wait: 118 * time.Minute,
		}},
		Base: &leak.ProfileRef{Key: "profiles/prod/checkout/10.0.0.7%3A8080/20260302T140000Z.pb.gz", Instance: "10.0.0.7:8080", Total: 61},
		Head: &leak.ProfileRef{Key: "profiles/prod/checkout/10.0.0.7%3A8080/20260302T225500Z.pb.gz", Instance: "10.0.0.7:8080", Total: 1977},
	}
}

// Library returns a leak whose goroutines wait in a library, in two stacks.
func Library() leak.Leak {
	l := Checkout()
	l.Instances, l.InstancesTotal = []string{"10.0.0.7:8080"}, 1
	l.Evidence, l.Missing, l.Share = leak.Stack, "only two profiles so far.", 0.912
	key := collector.Frame{Func: "main.(*Cron).subscribe.func1", File: `C:\src\cron\cron.go`, Line: 33}
	l.Stacks = []leak.StackGrowth{{
		Op: "chan receive", Key: key, Base: 3, Head: 1503, Share: 0.8,
		Frames: []collector.Frame{
			{Func: "github.com/redis/go-redis/v9.(*channel).initMsgChan.func1", File: "/go/pkg/mod/github.com/redis/go-redis/v9@v9.18.0/pubsub.go", Line: 701},
			{Func: "github.com/redis/go-redis/v9.(*PubSub).Receive", File: "/go/pkg/mod/github.com/redis/go-redis/v9@v9.18.0/pubsub.go", Line: 400},
			key,
			{Func: "main.(*Cron).run", File: "/src/cron/cron.go", Line: 20},
		},
		CreatedBy: collector.Frame{Func: "main.(*Cron).run"}, // a proto profile has no more
		Partner:   &leak.Partner{Key: collector.Frame{Func: "main.(*Cron).print", File: "/src/cron/cron.go", Line: 61}, Both: 3, At: l.Onset, Head: 4},
	}, {
		Op: "IO wait", Key: collector.Frame{Func: "main.(*Cron).dial", File: "/src/cron/cron.go", Line: 50}, Base: 3, Head: 203, Share: 0.112,
	}}
	return l
}
