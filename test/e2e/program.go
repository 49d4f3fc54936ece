package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	// startTime bounds how long a server may take to be ready on a busy machine.
	startTime = 3 * time.Minute
	// stopTime bounds how long it may take to end after SIGTERM.
	stopTime = time.Minute
	// shownOutput is how many bytes of its output a failed test shows.
	shownOutput = 16 << 10
)

// Program is a process that runs for the length of a test.
type Program struct {
	name   string
	cmd    *exec.Cmd
	out    *output
	exited chan struct{} // closed when the process has ended
	once   sync.Once     // stops it
}

// Start runs a program. When the test ends it gets SIGTERM and has to exit with 0.
func Start(t testing.TB, name, path string, args ...string) *Program {
	t.Helper()
	p := &Program{name: name, out: newOutput(), exited: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = processAttributes()
	p.run(t)
	return p
}

// run starts the process and ends it with the test.
func (p *Program) run(t testing.TB) {
	t.Helper()
	// A child that outlives the program may keep its output open.
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // the state has it
	}()
	t.Cleanup(func() {
		p.Stop(t)
		if t.Failed() {
			t.Logf("output of %s:\n%s", p.name, p.out.tail(shownOutput))
		}
	})
}

// Stop ends the program and what it has started, and fails the test unless the
// program exits with 0 by itself after SIGTERM. A second call does nothing.
func (p *Program) Stop(t testing.TB) {
	t.Helper()
	p.once.Do(func() {
		select {
		case <-p.exited:
			t.Errorf("%s ended before it was asked to: %v", p.name, p.cmd.ProcessState)
			return
		default:
		}
		// The group may have members that the program no longer knows.
		defer func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }()
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		select {
		case <-p.exited:
			if code := p.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("%s: %v after SIGTERM, want exit code 0", p.name, p.cmd.ProcessState)
			}
		case <-time.After(stopTime):
			t.Errorf("%s does not end %s after SIGTERM", p.name, stopTime)
			_ = p.cmd.Process.Kill()
			<-p.exited
		}
	})
}

// Kill ends the program without a clean shutdown.
func (p *Program) Kill(t testing.TB) {
	t.Helper()
	p.once.Do(func() {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		<-p.exited
	})
}

// PID returns the id of the process.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Output returns what the program has written so far, to both of its outputs.
func (p *Program) Output() string { return p.out.tail(0) }

// WaitFor returns the groups of the first match of pattern in the output.
func (p *Program) WaitFor(t testing.TB, pattern *regexp.Regexp) []string {
	t.Helper()
	var groups []string
	Eventually(t, startTime, fmt.Sprintf("%s says %s", p.name, pattern), func() error {
		if groups = pattern.FindStringSubmatch(p.Output()); groups != nil {
			return nil
		}
		return p.alive(t)
	})
	return groups
}

var errNotYet = errors.New("not yet")

// alive returns errNotYet while the program runs, and ends the test if it does not.
func (p *Program) alive(t testing.TB) error {
	t.Helper()
	select {
	case <-p.exited:
		t.Fatalf("%s ended: %v", p.name, p.cmd.ProcessState)
		return nil
	default:
		return errNotYet
	}
}

// startOnFreePort runs a server that cannot pick a port by itself, on one that was free a
// moment ago, and waits until ready accepts its address. If another process was faster, it
// tries another port.
func startOnFreePort(t testing.TB, name, path string, args func(addr string) []string, ready func(addr string) error) (p *Program, addr string) {
	t.Helper()
	for range 5 {
		addr = freeAddress(t)
		p = Start(t, name, path, args(addr)...)
		deadline := time.Now().Add(startTime)
		for {
			err := ready(addr)
			select {
			case <-p.exited:
				// Then another process answered.
			default:
				if err == nil {
					return p, addr
				}
			}
			select {
			case <-p.exited:
			case <-time.After(50 * time.Millisecond):
				if time.Now().After(deadline) {
					t.Fatalf("%s is not ready after %s: %v", name, startTime, err)
				}
				continue
			}
			break
		}
		if !strings.Contains(strings.ToLower(p.Output()), "address already in use") {
			t.Fatalf("%s ended: %v", name, p.cmd.ProcessState)
		}
		p.once.Do(func() {}) // it has ended, which is no failure
	}
	t.Fatalf("%s: no free port", name)
	return nil, ""
}

// Ports to hand out, each once. They are below those that systems assign by themselves to
// listeners and clients, so no other process takes one before its use, even minutes later.
const firstPort, lastPort = 10_000, 32_000

// given counts the ports that this process has handed out.
var given atomic.Int64

// FreeAddress returns an unused address of this host.
func FreeAddress(t testing.TB) string {
	t.Helper()
	return freeAddress(t)
}

// freeAddress returns an unused address of this host.
func freeAddress(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		// Other processes that do the same start elsewhere.
		n := 101*int64(os.Getpid()) + given.Add(1)
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+n%(lastPort-firstPort))
		var l net.Listener
		if l, err = net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal(err)
	return ""
}

// answers reports whether a GET of url is answered with 200.
func answers(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return request(ctx, http.MethodGet, url, nil)
}

// request makes a request that must be answered with 200.
func request(ctx context.Context, method, url string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	req.Close = true // leave no idle connection behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// Eventually waits until cond returns no error, and fails the test with the
// last one if that does not happen in time.
func Eventually(t testing.TB, within time.Duration, what string, cond func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := cond()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, within, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// output collects what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func newOutput() *output { return &output{} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// tail returns the last n bytes, from the beginning of a line; 0 is all.
func (o *output) tail(n int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.buf.String()
	if n == 0 || len(text) <= n {
		return text
	}
	_, text, _ = strings.Cut(text[len(text)-n:], "\n")
	return "…\n" + text
}
