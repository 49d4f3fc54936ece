// Command opencensus gives every tenant a meter, and forgets to stop that of a
// tenant who leaves.
package main

import (
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"go.opencensus.io/stats"
	"go.opencensus.io/stats/view"
)

type tenants struct {
	meters []view.Meter
	fixed  bool
}

var calls = stats.Int64("calls", "calls of a tenant", stats.UnitDimensionless)

func (t *tenants) move() {
	meter := view.NewMeter()
	meter.Start()
	t.meters = append(t.meters, meter)
	exhibit.Must(0, meter.Register(&view.View{Name: "calls", Measure: calls, Aggregation: view.Count()}))
	if len(t.meters) > 5 {
		if t.fixed {
			t.meters[0].Stop()
		}
		t.meters = t.meters[1:]
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		t := &tenants{fixed: e.Fixed}
		e.Often(t.move)
	})
}
