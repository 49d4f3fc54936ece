// Logwriter takes log entries over HTTP and writes them to a disk that is
// sometimes slow. Whoever has to wait too long is told to come back later.
package main

import (
	"flag"
	"io"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/service"
)

func main() {
	var opts service.Options
	opts.Flags(flag.CommandLine)
	flag.Parse()

	disk := &service.Latency{Usual: 2 * time.Millisecond, Slow: 250 * time.Millisecond, Every: 8}
	l := &logs{
		patience: 100 * time.Millisecond,
		write: func([]byte) error {
			disk.Wait()
			return nil
		},
	}
	mux := http.NewServeMux()
	if opts.Fixed {
		mux.HandleFunc("POST /entries", l.appendBuffered)
	} else {
		mux.HandleFunc("POST /entries", l.append)
	}
	service.Main(opts, mux)
}

// logs appends entries to a disk.
type logs struct {
	patience time.Duration // how long a client is kept waiting
	write    func(entry []byte) error
}

// append leaks the writer of every entry that its client no longer waits for:
// when the disk is done at last, nobody is there to hear of it.
func (l *logs) append(w http.ResponseWriter, r *http.Request) {
	entry, err := readEntry(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	written := make(chan error)
	go func() {
		err := l.write(entry)
		written <- err // LEAK
	}()
	l.answer(w, written)
}

// appendBuffered gives the writer room to leave its result and go.
func (l *logs) appendBuffered(w http.ResponseWriter, r *http.Request) {
	entry, err := readEntry(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	written := make(chan error, 1)
	go func() {
		err := l.write(entry)
		written <- err
	}()
	l.answer(w, written)
}

func (l *logs) answer(w http.ResponseWriter, written <-chan error) {
	select {
	case err := <-written:
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case <-time.After(l.patience):
		http.Error(w, "the disk is slow, try again later", http.StatusServiceUnavailable)
	}
}

func readEntry(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
}
