// A target of gorowatch check, which the tests build with the goroutineleak profile.
// /leaky starts a goroutine that nothing can end, /held one that only a global refers to.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
)

var held []chan int

func main() {
	leakBefore()
	http.HandleFunc("/leaky", func(http.ResponseWriter, *http.Request) { leak() })
	http.HandleFunc("/before", func(http.ResponseWriter, *http.Request) { leakBefore() })
	http.HandleFunc("/held", func(http.ResponseWriter, *http.Request) { hold() })
	http.HandleFunc("/fixed", func(http.ResponseWriter, *http.Request) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = http.Serve(l, nil) }()
	fmt.Printf("http://%s\n", l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
}

func leak() {
	result := make(chan int)
	go func() { result <- 1 }()
}

func leakBefore() {
	for range 3 {
		result := make(chan int)
		go func() { result <- 2 }()
	}
}

func hold() {
	result := make(chan int)
	held = append(held, result)
	go func() { result <- 3 }()
}
