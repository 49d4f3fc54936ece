// Command overlap starts a job with 15 goroutines every five minutes. Each run
// takes three to nine minutes, so that up to two are at work beside each other.
package main

import (
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type job struct{ runs int }

func (j *job) run(each time.Duration) {
	var done sync.WaitGroup
	for part := range 15 {
		done.Go(func() { time.Sleep(each + each*time.Duration(part)/30) })
	}
	done.Wait()
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		j := &job{}
		go func() {
			for e.Sleep(5 * time.Minute) {
				j.runs++
				go j.run(e.Time(time.Duration(3+(j.runs*7)%6) * time.Minute))
			}
		}()
	})
}
