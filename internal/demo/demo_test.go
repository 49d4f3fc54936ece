package demo

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// long bounds how long a test waits for something that must happen.
const long = 2 * time.Minute

// misbehave selects the failure of the service.
const misbehave = "DEMO_SERVICE_MISBEHAVE"

// TestMain is the demo's executable too: with the service's command it is the service.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ServiceCommand {
		os.Exit(service(os.Args[2:]))
	}
	goleak.VerifyTestMain(m)
}

func service(args []string) int {
	switch os.Getenv(misbehave) {
	case "does not start":
		return 3
	case "ends":
		fmt.Println("127.0.0.1:1")
		return 3
	}
	var o ServiceOptions
	fs := flag.NewFlagSet(ServiceCommand, flag.ContinueOnError)
	fs.BoolVar(&o.Fixed, "fixed", false, "")
	fs.DurationVar(&o.SlowAfter, "slow-after", time.Hour, "")
	if err := fs.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := Serve(ctx, o, os.Stdin, os.Stdout); err != nil {
		return 1
	}
	return 0
}

// noChildren fails if a child process is left.
func noChildren(t *testing.T) {
	t.Helper()
	pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	require.ErrorIs(t, err, syscall.ECHILD, "child %d", pid)
}

// waiting matches a record of a goroutine profile whose goroutines ask the supplier.
var waiting = regexp.MustCompile(`(?m)^(\d+) @.*\n(?:#.*\n)*?#.*demo\.\(\*shop\)\.price\.func1`)

// held counts the goroutines of a service that hold an answer, or wait for one.
func held(t *testing.T, client *http.Client, addr string) (n int) {
	t.Helper()
	resp, err := client.Get("http://" + addr + "/debug/pprof/goroutine?debug=1")
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	for _, m := range waiting.FindAllSubmatch(text, -1) {
		k, err := strconv.Atoi(string(m[1]))
		require.NoError(t, err)
		n += k
	}
	return n
}

// A request that gives up leaves its goroutine in the leaky service for ever,
// and not in the fixed one.
func TestServiceLeaksWhenItIsSlowAndItsTwinDoesNot(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: long}
	const enough = 60
	giveUp := func(addr string) {
		for gaveUp := 0; gaveUp < enough; {
			resp, err := client.Get("http://" + addr + "/price")
			require.NoError(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusGatewayTimeout {
				gaveUp++
			}
		}
	}
	leaky, err := start(t.Context(), self, "--slow-after=0s")
	require.NoError(t, err)
	defer leaky.stop()
	fixed, err := start(t.Context(), self, "--slow-after=0s", "--fixed")
	require.NoError(t, err)
	defer fixed.stop()

	giveUp(leaky.addr)
	giveUp(fixed.addr)
	require.GreaterOrEqual(t, held(t, client, leaky.addr), enough)
	deadline := time.Now().Add(long)
	for held(t, client, fixed.addr) > enough/2 { // those of the last tenth of a second are still running
		require.True(t, time.Now().Before(deadline), "they never come back")
	}
	require.GreaterOrEqual(t, held(t, client, leaky.addr), enough, "nor do these")
}

// While the supplier is fast, no request gives up, and no goroutine stays.
func TestQuickSupplier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shop{slow: time.Now().Add(time.Hour)}
		for range 100 {
			rec := httptest.NewRecorder()
			s.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/price", nil))
			require.Equal(t, http.StatusOK, rec.Code)
			time.Sleep(time.Second)
		}
	})
}

// The service ends when its standard input is closed, and on a signal.
func TestServiceEnds(t *testing.T) {
	for name, end := range map[string]func(in *io.PipeWriter, cancel func()){
		"with its input": func(in *io.PipeWriter, _ func()) { _ = in.Close() },
		"when told to":   func(_ *io.PipeWriter, cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			in, demo := io.Pipe()
			defer demo.Close()
			out, service := io.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() { done <- Serve(ctx, ServiceOptions{Fixed: true, SlowAfter: time.Hour}, in, service) }()
			addr, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			conn, err := net.Dial("tcp", strings.TrimSpace(addr))
			require.NoError(t, err)
			require.NoError(t, conn.Close())

			end(demo, cancel)
			require.NoError(t, <-done)
			_, err = net.Dial("tcp", strings.TrimSpace(addr))
			require.Error(t, err)
		})
	}
}

// terminal is a screen that the test can read while it is written.
type terminal struct {
	mtx  sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (s *terminal) Write(p []byte) (int, error) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *terminal) String() string {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.text.String()
}

func TestRunEndsCleanly(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &terminal{more: make(chan struct{}, 1)}
	done := make(chan error, 1)
	go func() {
		// The address is in use: the demo takes another one.
		done <- Run(ctx, Options{ListenAddress: taken.Addr().String(), Registry: prometheus.NewRegistry(), Out: out})
	}()
	pages := regexp.MustCompile(`Pages: (http://\S+)`)
	var url []string
	for url == nil {
		select {
		case <-out.more:
			url = pages.FindStringSubmatch(out.String())
		case err := <-done:
			t.Fatalf("it ended early: %v\n%s", err, out)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: long}
	resp, err := client.Get(url[1])
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	_, err = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	require.NoError(t, err, "there are children")

	cancel()
	require.NoError(t, <-done)
	noChildren(t)
	require.Contains(t, out.String(), "Done.")
	_, err = client.Get(url[1])
	require.Error(t, err, "the pages are gone")
}

func TestRunWithABadAddress(t *testing.T) {
	err := Run(t.Context(), Options{ListenAddress: "nope", Registry: prometheus.NewRegistry(), Out: io.Discard})
	require.EqualError(t, err, `--web.listen-address: "nope" is not an address, expected host:port such as 127.0.0.1:10980`)
	noChildren(t)
}

func TestRunWithServicesThatFail(t *testing.T) {
	for how, text := range map[string]string{
		"does not start": "a service did not start",
		"ends":           "has ended by itself",
	} {
		t.Run(how, func(t *testing.T) {
			t.Setenv(misbehave, how)
			err := Run(t.Context(), Options{ListenAddress: "127.0.0.1:0", Registry: prometheus.NewRegistry(), Out: io.Discard})
			require.ErrorContains(t, err, text)
			noChildren(t)
		})
	}
}

// A service with an alert leaks, whatever the counts alone show a second later.
func TestVerdictAgreesWithTheAlert(t *testing.T) {
	out := &bytes.Buffer{}
	s := &screen{out: out, began: time.Now(), told: map[string]bool{}, pages: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}}
	for _, gate := range []trend.Gate{trend.GateTooLittle, trend.GateTooShort, trend.GateUncertain} {
		require.Equal(t, "growing, but not for long enough to be sure", s.verdict("checkout", trend.Suspicious, gate))
	}
	l := leak.Leak{ID: "x", Service: labels.FromStrings("job", "checkout"), State: leak.Firing, Evidence: leak.Stack}
	s.leaks(time.Now(), []leak.Leak{l})
	require.Contains(t, out.String(), "The alert, as Alertmanager would get it")
	require.Equal(t, "leaking", s.verdict("checkout", trend.Suspicious, trend.GateTooLittle))
	require.Equal(t, "too new to judge", s.verdict("checkout-fixed", trend.Quiet, trend.GateTooLittle))
	require.Equal(t, "quiet (too small)", s.verdict("checkout-fixed", trend.Quiet, trend.GateTooSmall))
	require.Equal(t, "quiet", s.verdict("checkout-fixed", trend.Quiet, trend.GateNone))

	l.State = leak.Resolved
	s.leaks(time.Now(), []leak.Leak{l})
	require.NotEqual(t, "leaking", s.verdict("checkout", trend.Quiet, trend.GateCameBack))
}
