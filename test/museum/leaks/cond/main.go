// Command cond has workers that wait for the jobs of a project. When a project
// is thrown away nobody wakes those who still wait for it.
package main

import (
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type project struct {
	mu     sync.Mutex
	filled sync.Cond
	jobs   []int
	gone   bool
}

func open() *project {
	p := &project{jobs: []int{1, 2, 3}}
	p.filled.L = &p.mu
	return p
}

func (p *project) work() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.gone {
		for len(p.jobs) == 0 && !p.gone {
			p.filled.Wait()
		}
		if !p.gone {
			p.jobs = p.jobs[1:]
		}
	}
}

func (p *project) discard(wake bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	if wake {
		p.filled.Broadcast()
	}
}

func start(fixed bool, life time.Duration) {
	p := open()
	go p.work()
	time.AfterFunc(life, func() { p.discard(fixed) })
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		e.Often(func() { start(e.Fixed, e.Time(20*time.Second)) })
	})
}
