// Command workerpool has more workers when there is more to do, and sends those
// home who have had nothing to do for two minutes.
package main

import (
	"sync/atomic"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type pool struct {
	tasks   chan time.Duration
	idle    time.Duration
	workers atomic.Int64
}

func (p *pool) submit(task time.Duration) {
	select {
	case p.tasks <- task:
	default:
		p.workers.Add(1)
		go p.work(task)
	}
}

func (p *pool) work(task time.Duration) {
	defer p.workers.Add(-1)
	for {
		time.Sleep(task)
		select {
		case task = <-p.tasks:
		case <-time.After(p.idle):
			return
		}
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		p := &pool{tasks: make(chan time.Duration), idle: e.Time(2 * time.Minute)}
		e.Often(func() { p.submit(e.Time(45 * time.Second)) })
	})
}
