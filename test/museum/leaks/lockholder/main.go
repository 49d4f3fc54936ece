// Command lockholder writes its ledger to a peer while it holds the ledger's
// lock. The peer stops reading, and whoever has an entry waits behind the write.
package main

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type ledger struct {
	mu      sync.Mutex
	entries int
	peer    string
	fixed   bool
}

func (l *ledger) add(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries++
	_, _ = io.WriteString(w, "noted\n")
}

// flush waits until the peer confirms. The fixed form has patience for a second.
func (l *ledger) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	conn := exhibit.Must(net.Dial("tcp", l.peer))
	defer conn.Close()
	if l.fixed {
		_ = conn.SetDeadline(time.Now().Add(time.Second))
	}
	_, _ = conn.Write([]byte("entries\n"))
	_, _ = io.ReadFull(conn, make([]byte, 3))
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		l := &ledger{peer: e.Stuck, fixed: e.Fixed}
		e.Mux.HandleFunc("GET /add", l.add)
		go func() {
			for e.Sleep(2 * time.Minute) {
				l.flush()
			}
		}()
		e.Get("/add")
	})
}
