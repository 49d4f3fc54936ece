// Logfollow keeps the last word of every unit on a machine and streams it to
// whoever follows the unit. Most units have little to say.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/service"
)

func main() {
	opts := service.Options{PprofPath: "/internal/pprof/"}
	opts.Flags(flag.CommandLine)
	flag.Parse()

	j := newJournal()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /units/{unit}/lines", j.append)
	if opts.Fixed {
		mux.HandleFunc("GET /units/{unit}/lines", j.followUntilDone)
	} else {
		mux.HandleFunc("GET /units/{unit}/lines", j.follow)
	}
	service.Main(opts, mux)
}

// backlog is how many lines a follower may be behind before it misses some.
const backlog = 16

// journal hands the lines of units to their followers.
type journal struct {
	mu        sync.Mutex
	followers map[string]map[chan string]struct{} // by unit
}

func newJournal() *journal {
	return &journal{followers: map[string]map[chan string]struct{}{}}
}

// follow leaks a handler for every client that leaves a quiet unit: that the
// client is gone shows only when the next line is written to it, and there
// may never be one.
func (j *journal) follow(w http.ResponseWriter, r *http.Request) {
	lines, cancel := j.subscribe(r.PathValue("unit"))
	defer cancel()
	out := http.NewResponseController(w)
	if out.Flush() != nil {
		return
	}
	for line := range lines { // LEAK
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
	}
}

// followUntilDone ends with the request.
func (j *journal) followUntilDone(w http.ResponseWriter, r *http.Request) {
	lines, cancel := j.subscribe(r.PathValue("unit"))
	defer cancel()
	out := http.NewResponseController(w)
	if out.Flush() != nil {
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case line := <-lines:
			if _, err := io.WriteString(w, line+"\n"); err != nil {
				return
			}
			if out.Flush() != nil {
				return
			}
		}
	}
}

// subscribe returns the lines of unit from now on and the way to stop them.
func (j *journal) subscribe(unit string) (lines <-chan string, cancel func()) {
	ch := make(chan string, backlog)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.followers[unit] == nil {
		j.followers[unit] = map[chan string]struct{}{}
	}
	j.followers[unit][ch] = struct{}{}
	return ch, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.followers[unit], ch)
		if len(j.followers[unit]) == 0 {
			delete(j.followers, unit)
		}
	}
}

// append gives the lines of the body to the followers of the unit.
func (j *journal) append(w http.ResponseWriter, r *http.Request) {
	lines := bufio.NewScanner(http.MaxBytesReader(w, r.Body, 64<<10))
	n := 0
	for ; lines.Scan(); n++ {
		j.publish(r.PathValue("unit"), lines.Text())
	}
	if err := lines.Err(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, n)
}

func (j *journal) publish(unit, line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for ch := range j.followers[unit] {
		select {
		case ch <- line:
		default: // too slow: this one misses a line
		}
	}
}
