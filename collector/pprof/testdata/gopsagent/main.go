// Gopsagent runs the real gops agent at a free port, prints its address, and
// ends with its input.
package main

import (
	"fmt"
	"io"
	"net"
	"os"

	"github.com/google/gops/agent"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	addr := l.Addr().String() // the agent does not tell which it took
	if err := l.Close(); err != nil {
		panic(err)
	}
	if err := agent.Listen(agent.Options{Addr: addr, ConfigDir: os.Args[1]}); err != nil {
		panic(err)
	}
	defer agent.Close()
	leak := make(chan int)
	for range 3 {
		go func() { leak <- 1 }()
	}
	fmt.Println(addr)
	_, _ = io.Copy(io.Discard, os.Stdin)
}
