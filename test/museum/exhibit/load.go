package exhibit

import (
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net/http"
	"runtime"
	"time"
)

// Time converts a time of life to the speed of this run.
func (e *Exhibit) Time(d time.Duration) time.Duration {
	return max(time.Duration(float64(d)/e.speed), time.Millisecond)
}

// Age returns how long the program has lived, in time of life.
func (e *Exhibit) Age() time.Duration {
	return time.Duration(float64(time.Since(e.start)) * e.speed)
}

// Wave returns the load at the present time, between 0.4 and 1.6 and 1 on average: a
// slow wave of an hour with a faster one of 13 minutes on top.
func (e *Exhibit) Wave() float64 {
	minutes := e.Age().Minutes()
	return 1 + 0.4*math.Sin(2*math.Pi*minutes/60) + 0.2*math.Sin(2*math.Pi*minutes/13)
}

// Sleep waits for a time of life, or for the end of the program, which it
// reports as false.
func (e *Exhibit) Sleep(d time.Duration) bool {
	timer := time.NewTimer(e.Time(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.Ctx.Done():
		return false
	}
}

// Often calls do at the rate of the program, more often when the load is high, until the
// program has as many goroutines as it may have.
func (e *Exhibit) Often(do func()) { e.Every(e.rate, do) }

// Every is Often at another rate an hour.
func (e *Exhibit) Every(rate float64, do func()) {
	go func() {
		for {
			// Events of a Poisson process, but never far apart, so that no case depends on
			// luck.
			wait := min(rand.ExpFloat64(), 3) / (rate * e.Wave())
			if !e.Sleep(time.Duration(wait * float64(time.Hour))) {
				return
			}
			if runtime.NumGoroutine() < e.limit {
				do()
			}
		}
	}()
}

// client makes the requests of users, each of which gives up after a second.
var client = &http.Client{
	Timeout:   time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// Get has users ask for a path of the program at its rate. An answer that does
// not come is no error: users give up.
func (e *Exhibit) Get(path string) {
	e.Often(func() { go e.fetch(path) })
}

func (e *Exhibit) fetch(path string) {
	resp, err := client.Get(e.URL + path)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// traffic is the program's work besides its leak: requests that hold a goroutine for a moment
// and use a little CPU, with the load.
func (e *Exhibit) traffic() {
	e.Mux.HandleFunc("GET /work", func(w http.ResponseWriter, _ *http.Request) {
		end := time.Now().Add(500 * time.Microsecond)
		for time.Now().Before(end) {
		}
		time.Sleep(time.Duration(20+rand.IntN(180)) * time.Millisecond)
		_, _ = io.WriteString(w, "done\n")
	})
	// Time of requests is not compressed: one a second at any speed.
	e.Every(3600/e.speed, func() { go e.fetch("/work") })
}

// Must ends the program if something that it cannot do without failed.
func Must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
