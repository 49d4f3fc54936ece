// Command redissub listens to the room of each visitor on a connection of its
// own, without a deadline, and does not close it when the visitor leaves.
package main

import (
	"time"

	"github.com/gomodule/redigo/redis"
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type rooms struct {
	addr  string
	stay  time.Duration
	fixed bool
}

func (r *rooms) listen() {
	conn, err := redis.Dial("tcp", r.addr)
	if err != nil {
		return
	}
	room := redis.PubSubConn{Conn: conn}
	if err := room.Subscribe("room"); err != nil {
		return
	}
	if r.fixed {
		time.AfterFunc(r.stay, func() { _ = conn.Close() })
	}
	for {
		if _, failed := room.Receive().(error); failed {
			return
		}
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		r := &rooms{addr: e.Redis, stay: e.Time(30 * time.Second), fixed: e.Fixed}
		e.Often(func() { go r.listen() })
	})
}
