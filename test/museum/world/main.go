// Command world has the peers of the museum's programs: an HTTP server, and a peer that accepts
// connections and never sends anything. It is not watched.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

func main() {
	life := flag.Duration("for", 4*time.Hour, "time after which it ends")
	flag.Parse()
	web, stuck := listen(), listen()
	go func() { log.Fatal(serve(web)) }()
	go accept(stuck)
	fmt.Println("listening on", web.Addr(), stuck.Addr())
	time.Sleep(*life)
}

func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return l
}

func serve(l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ok", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"sky":"blue"}`)
	})
	feed := bytes.Repeat([]byte("<item>news</item>\n"), 60_000)
	mux.HandleFunc("GET /feed", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(feed) })
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.FormValue("for"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(w, "at last\n")
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for n := 0; r.Context().Err() == nil; n++ {
			fmt.Fprintf(w, "id: %d\ndata: 12.5\n\n", n)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-time.After(2 * time.Second):
			case <-r.Context().Done():
			}
		}
	})
	return (&http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}).Serve(l)
}

// accept keeps every connection open and reads none of them.
func accept(l net.Listener) {
	var held []net.Conn
	for {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		held = append(held, conn)
	}
}
