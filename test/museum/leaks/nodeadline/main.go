// Command nodeadline reads the scales of a warehouse over TCP, without a
// deadline. Some of them have been switched off.
package main

import (
	"bufio"
	"net"
	"time"

	"github.com/gorowatch/gorowatch/test/museum/exhibit"
)

type scales struct {
	addr  string
	fixed bool
}

func (s *scales) weigh() {
	conn := exhibit.Must(net.Dial("tcp", s.addr))
	defer conn.Close()
	if s.fixed {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	}
	_, _ = bufio.NewReader(conn).ReadString('\n')
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		s := &scales{addr: e.Stuck, fixed: e.Fixed}
		e.Often(func() { go s.weigh() })
	})
}
