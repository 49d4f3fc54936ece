// Command crowd runs the clients of one healthy program of the museum, so that their goroutines
// are not in it.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// crowd is what all of its clients share.
type crowd struct {
	ctx   context.Context
	url   string
	speed float64
	stay  time.Duration
}

func main() {
	kind := flag.String("kind", "", "websocket, sse, longpoll, proxy, etcd, consul, kubernetes, victoria or alerts")
	stay := flag.Duration("stay", 24*time.Hour, "how long each watches, of those that watch")
	url := flag.String("url", "", "base URL of the program")
	rate := flag.Float64("rate", 200, "clients that arrive an hour")
	most := flag.Int("most", 5000, "clients at most")
	speed := flag.Float64("speed", 1, "how many times faster than life everything happens")
	life := flag.Duration("for", 4*time.Hour, "time after which it ends")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), *life)
	defer cancel()
	c := &crowd{ctx, *url, *speed, *stay}
	be := map[string]func(){
		"websocket": c.talk, "sse": c.listen, "longpoll": c.poll, "proxy": c.ask,
		"etcd": c.configure, "consul": c.discover, "kubernetes": c.apply, "victoria": c.chart, "alerts": c.alert,
	}[*kind]
	if be == nil {
		log.Fatalf("-kind=%s: want websocket, sse, longpoll, proxy, etcd, consul, kubernetes, victoria or alerts", *kind)
	}
	began := time.Now()
	for range *most {
		// They come in waves of an hour.
		wave := 1 + 0.4*math.Sin(2*math.Pi*time.Since(began).Hours()**speed)
		wait := min(rand.ExpFloat64(), 3) * float64(time.Hour) / (*rate * wave)
		if !c.sleep(time.Duration(wait)) {
			return
		}
		go be()
	}
	<-ctx.Done()
}

// sleep waits for a time of life, or returns false at the end.
func (c *crowd) sleep(d time.Duration) bool {
	select {
	case <-time.After(time.Duration(float64(d) / c.speed)):
		return true
	case <-c.ctx.Done():
		return false
	}
}

// talk sends something every ten seconds, and reconnects if it is disconnected.
func (c *crowd) talk() {
	for c.sleep(time.Second) {
		conn, _, err := websocket.DefaultDialer.DialContext(c.ctx, strings.Replace(c.url, "http", "ws", 1)+"/join", nil)
		if err != nil {
			continue
		}
		for c.sleep(10*time.Second) && conn.WriteMessage(websocket.TextMessage, []byte("hello")) == nil {
		}
		_ = conn.Close()
	}
}

// get sends one request and reads the whole answer.
func (c *crowd) get(path string) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10_000}}

func (c *crowd) listen() {
	for c.sleep(time.Second) {
		c.get("/stream")
	}
}

func (c *crowd) poll() {
	for c.sleep(100 * time.Millisecond) {
		c.get("/poll")
	}
}

// ask stays for a quarter of an hour, sends some requests, and leaves.
func (c *crowd) ask() {
	for range 30 {
		if !c.sleep(time.Duration(10+rand.IntN(40)) * time.Second) {
			return
		}
		c.get("/slow?for=300ms")
	}
}
