// Zoo starts goroutines that wait in every way, one or a few of each, and
// writes the profiles of itself that the tests read. In the repository's root:
//
//	go run -trimpath ./internal/stack/testdata/zoo internal/stack/testdata/profiles/go126
//
// It is written for Go 1.19, so that it shows how other versions write profiles:
// zoo.sh runs it with those. With GOEXPERIMENT=goroutineleakprofile it writes the goroutineleak profile,
// too.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorowatch/gorowatch/internal/stack/testdata/zoo/queue"
)

type server struct {
	mu   sync.Mutex
	rw   sync.RWMutex
	wg   sync.WaitGroup
	once sync.Once
	c    chan int
}

func (s *server) run(c chan int) { <-c }

type value struct{ _ int }

func (v value) run(c chan int)            { c <- 1 }
func (v value) closure(c chan int) func() { return func() { c <- 1 } }

//go:noinline
func descend(n int, c chan int) {
	if n == 0 {
		<-c
		return
	}
	descend(n-1, c)
}

//go:noinline
func even(n int, c chan int) {
	if n == 0 {
		c <- 1
		return
	}
	odd(n-1, c)
}

//go:noinline
func odd(n int, c chan int) { even(n-1, c) }

func sender(c chan int) func() { return func() { c <- 1 } }

func nested(c chan int) {
	func() {
		func() {
			go func() { c <- 1 }()
		}()
	}()
}

var global = func(c chan int) { c <- 2 }

// logHandler is the most common leak: nobody receives.
func logHandler(n int) {
	for i := 0; i < n; i++ {
		result := make(chan error)
		go func() {
			result <- nil
		}()
	}
}

func orphan() {
	c := make(chan int)
	go func() { <-c }()
}

func start(s *server) {
	fresh := func() chan int { return make(chan int) }
	keep := func() chan int { c := fresh(); kept = append(kept, c); return c }

	logHandler(5)
	orphan()

	go s.run(keep())
	go value{}.run(keep())
	method := s.run
	go method(keep())
	go func(f func(chan int)) { f(kept[0]) }(s.run)
	go descend(3, keep())
	go descend(9, keep())
	go descend(250, keep())
	go even(4, keep())
	go even(12, keep())
	go sender(keep())()
	go value{}.closure(keep())()
	go queue.Sender(keep())()
	go (&queue.T{C: keep()}).Sender()()
	nested(keep())
	go global(keep())

	ints, words := queue.New[int](), queue.New[string]()
	kept = append(kept, ints.C)
	keptWords = words.C
	go ints.Push(1)
	go words.Pop()
	go func() { queue.Map([]int{1}, func(int) string { return words.Pop() }) }()
	since123(keep())

	go func() { select {} }()
	go func() { var n chan int; <-n }()
	go func() {
		select {
		case <-s.c:
		case s.c <- 1:
		}
	}()
	s.mu.Lock()
	go func() { s.mu.Lock() }()
	s.rw.Lock()
	go func() { s.rw.RLock() }()
	go func() { s.rw.Lock() }()
	s.wg.Add(1)
	go func() { s.wg.Wait() }()
	go func() {
		var m sync.Mutex
		cond := sync.NewCond(&m)
		m.Lock()
		cond.Wait()
	}()
	entered, c := make(chan int), keep()
	go func() { s.once.Do(func() { close(entered); <-c }) }()
	<-entered
	go func() { s.once.Do(func() {}) }()
	go func() { time.Sleep(time.Hour) }()
	go func() {
		reflect.Select([]reflect.SelectCase{{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)}})
	}()
	go func() { reflect.ValueOf(c).Recv() }()
	for i := 0; i < 2; i++ {
		i := i
		go pprof.Do(context.Background(), pprof.Labels("route", `/cart"]: {a, 3 minutes}`, "n", fmt.Sprint(i)), func(context.Context) { <-c })
	}
	go func() {
		r, w, err := os.Pipe()
		if err == nil {
			_, _ = r.Read(make([]byte, 1))
			_ = w.Close()
		}
	}()
	time.AfterFunc(0, func() { <-c })
	go func() {
		defer func() { _ = recover(); <-c }()
		panic("on purpose")
	}()
	for i := 0; i < 3; i++ {
		go func() {
			for !stop.Load() {
			}
		}()
	}
}

var (
	kept      []chan int
	keptWords chan string
	stop      atomic.Bool
)

func main() {
	out := os.Args[1]
	s := &server{c: make(chan int)}
	start(s)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = http.Serve(l, nil) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	go func() { _, _ = conn.Read(make([]byte, 1)) }()
	time.Sleep(time.Second) // all of them wait now
	stop.Store(true)
	time.Sleep(100 * time.Millisecond)
	write := func(name string, debug int, path string) {
		p := pprof.Lookup(name)
		if p == nil {
			return
		}
		f, err := os.Create(path)
		if err != nil {
			panic(err)
		}
		defer func() { _ = f.Close() }()
		if err := p.WriteTo(f, debug); err != nil {
			panic(err)
		}
	}
	write("goroutine", 0, out+".pb.gz")
	write("goroutine", 1, out+".debug1.txt")
	write("goroutine", 2, out+".debug2.txt")
	write("goroutineleak", 0, out+".leak.pb.gz")
	write("goroutineleak", 1, out+".leak.debug1.txt")
	if pprof.Lookup("goroutineleak") != nil {
		write("goroutineleak", 2, out+".leak.debug2.txt")
	}
	runtime.KeepAlive(kept)
	runtime.KeepAlive(keptWords)
	runtime.KeepAlive(s)
}
