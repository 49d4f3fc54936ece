// Command hub is a chat whose clients come through the morning and stay. Each has a goroutine
// that reads, and one that writes what the hub sends to it, and a ping every minute.
package main

import (
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type hub struct {
	upgrader    websocket.Upgrader
	exhibit     *exhibit.Exhibit
	come, leave chan *client
	clients     map[*client]bool
}

type client struct {
	hub  *hub
	conn *websocket.Conn
	send chan []byte
}

// run tells everybody something every five minutes.
func (h *hub) run() {
	news := time.NewTicker(h.exhibit.Time(5 * time.Minute))
	defer news.Stop()
	for {
		select {
		case c := <-h.come:
			h.clients[c] = true
		case c := <-h.leave:
			if h.clients[c] {
				delete(h.clients, c)
				close(c.send)
			}
		case <-news.C:
			for c := range h.clients {
				select {
				case c.send <- []byte("news"):
				default: // it is slow, and does without
				}
			}
		}
	}
}

func (h *hub) join(w http.ResponseWriter, r *http.Request) {
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &client{h, conn, make(chan []byte, 16)}
	h.come <- c
	go c.write()
	go c.read()
}

func (c *client) read() {
	defer func() {
		c.hub.leave <- c
		_ = c.conn.Close()
	}()
	for {
		if _, _, err := c.conn.ReadMessage(); err != nil {
			return
		}
	}
}

func (c *client) write() {
	ping := time.NewTicker(c.hub.exhibit.Time(time.Minute))
	defer ping.Stop()
	defer c.conn.Close()
	for {
		select {
		case text, ok := <-c.send:
			if !ok || c.conn.WriteMessage(websocket.TextMessage, text) != nil {
				return
			}
		case <-ping.C:
			if c.conn.WriteMessage(websocket.PingMessage, nil) != nil {
				return
			}
		}
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		h := &hub{exhibit: e, come: make(chan *client), leave: make(chan *client), clients: map[*client]bool{}}
		go h.run()
		e.Mux.HandleFunc("GET /join", h.join)
	})
}
