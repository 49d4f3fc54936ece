// Command websocket is a server whose clients come through the morning and stay.
// Each says something every ten seconds.
package main

import (
	"net/http"
	"sync/atomic"

	"github.com/gorilla/websocket"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type chat struct {
	upgrader websocket.Upgrader
	messages atomic.Int64
}

func (c *chat) join(w http.ResponseWriter, r *http.Request) {
	conn, err := c.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
		c.messages.Add(1)
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		c := &chat{}
		e.Mux.HandleFunc("GET /join", c.join)
	})
}
