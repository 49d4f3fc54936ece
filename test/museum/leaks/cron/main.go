// Command cron makes a new schedule whenever a customer changes one, and starts
// it beside the old one.
package main

import (
	"sync/atomic"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"github.com/robfig/cron/v3"
)

type schedule struct {
	running *cron.Cron
	fixed   bool
	runs    atomic.Int64
}

func (s *schedule) change() {
	if s.fixed && s.running != nil {
		s.running.Stop()
	}
	s.running = cron.New()
	exhibit.Must(s.running.AddFunc("@every 1h", func() { s.runs.Add(1) }))
	s.running.Start()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		s := &schedule{fixed: e.Fixed}
		e.Often(s.change)
	})
}
