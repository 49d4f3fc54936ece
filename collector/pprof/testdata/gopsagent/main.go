// Command gopsagent runs the real gops agent at a free port, prints its address, and ends with
// its input.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/google/gops/agent"
)

func main() {
	if err := agent.Listen(agent.Options{Addr: "127.0.0.1:0", ConfigDir: os.Args[1]}); err != nil {
		panic(err)
	}
	defer agent.Close()
	port, err := os.ReadFile(filepath.Join(os.Args[1], strconv.Itoa(os.Getpid())))
	if err != nil {
		panic(err)
	}
	leak := make(chan int)
	for range 3 {
		go func() { leak <- 1 }()
	}
	fmt.Printf("127.0.0.1:%s\n", port)
	_, _ = io.Copy(io.Discard, os.Stdin)
}
