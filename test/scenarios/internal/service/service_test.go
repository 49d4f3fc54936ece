package service

import (
	"bufio"
	"context"
	"flag"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// HashiCorp's library does not stop measuring at Shutdown.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/hashicorp/go-metrics.(*Metrics).collectStats"))
}

// start runs a service until the end of the test and returns its base URL,
// read from standard output as a caller of the program would.
func start(t *testing.T, o Options, mux *http.ServeMux, loops ...Loop) string {
	t.Helper()
	fs := flag.NewFlagSet("", flag.PanicOnError)
	o.Flags(fs)

	out, w, err := os.Pipe()
	require.NoError(t, err)
	stdout := os.Stdout
	os.Stdout = w
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, o, mux, loops...) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	os.Stdout = stdout
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, out.Close())
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		require.NoError(t, <-ended)
	})
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	require.True(t, ok, line)
	return "http://" + addr
}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func TestMetricsThatAMonitorReads(t *testing.T) {
	url := start(t, Options{}, http.NewServeMux())
	code, body := get(t, url+"/metrics", "")
	require.Equal(t, http.StatusOK, code)
	for _, name := range []string{"go_goroutines", "process_cpu_seconds_total", "process_start_time_seconds"} {
		require.Contains(t, body, "\n"+name+" ")
	}
}

func TestProfiles(t *testing.T) {
	for _, c := range []struct {
		name     string
		opts     Options
		get      string
		token    string
		code     int
		contains string
	}{
		{name: "usual path", get: "/debug/pprof/goroutine?debug=1", code: 200, contains: "goroutine profile: total"},
		{name: "list", get: "/debug/pprof/", code: 200, contains: "goroutine"},
		{name: "unknown", get: "/debug/pprof/gophers", code: 404, contains: "Unknown profile"},
		{name: "own path", opts: Options{PprofPath: "/internal/pprof/"}, get: "/internal/pprof/goroutine?debug=1", code: 200, contains: "goroutine profile: total"},
		{name: "own path's list", opts: Options{PprofPath: "/internal/pprof/"}, get: "/internal/pprof/", code: 200, contains: "goroutine"},
		{name: "moved away", opts: Options{PprofPath: "/internal/pprof/"}, get: "/debug/pprof/goroutine", code: 404},
		{name: "token", opts: Options{PprofToken: "secret"}, get: "/debug/pprof/goroutine?debug=1", token: "secret", code: 200, contains: "goroutine profile: total"},
		{name: "no token", opts: Options{PprofToken: "secret"}, get: "/debug/pprof/goroutine?debug=1", code: 401},
		{name: "wrong token", opts: Options{PprofToken: "secret"}, get: "/debug/pprof/goroutine?debug=1", token: "secrets", code: 401},
		{name: "metrics need no token", opts: Options{PprofToken: "secret"}, get: "/metrics", code: 200, contains: "go_goroutines"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, body := get(t, start(t, c.opts, http.NewServeMux())+c.get, c.token)
			require.Equal(t, c.code, code, body)
			require.Contains(t, body, c.contains)
		})
	}
}

func TestProfilesOfTheDefaultMux(t *testing.T) {
	code, body := get(t, start(t, Options{}, http.DefaultServeMux)+"/debug/pprof/goroutine?debug=1", "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, "goroutine profile: total")
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct {
		opts Options
		mux  *http.ServeMux
		want string
	}{
		{Options{PprofPath: "pprof"}, http.NewServeMux(), "-pprof.path=pprof: a slash is wanted at both ends"},
		{Options{PprofPath: "/pprof/"}, http.DefaultServeMux, "the profiles are on the default mux: -pprof.path and -pprof.token cannot apply"},
		{Options{PprofPath: DefaultPprofPath, PprofToken: "x"}, http.DefaultServeMux, "the profiles are on the default mux: -pprof.path and -pprof.token cannot apply"},
	} {
		require.EqualError(t, Run(t.Context(), c.opts, c.mux), c.want)
	}
}

func TestLoopsLearnTheAddressAndEndWithTheService(t *testing.T) {
	self := make(chan string, 1)
	url := start(t, Options{}, http.NewServeMux(), func(ctx context.Context, url string) {
		self <- url
		<-ctx.Done()
	})
	require.Equal(t, url, <-self)
}

func TestARequestThatNeverEndsDoesNotHoldTheService(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slow", func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release
	})
	t.Cleanup(func() { close(release) }) // after the service has ended
	url := start(t, Options{}, mux)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url+"/slow", nil)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	leave()
	<-gone
}

func TestLatencyIsSlowEveryNthTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Latency{Usual: time.Millisecond, Slow: time.Second, Every: 3}
		var took []time.Duration
		for range 6 {
			begin := time.Now()
			l.Wait()
			took = append(took, time.Since(begin))
		}
		ms := time.Millisecond
		require.Equal(t, []time.Duration{ms, ms, time.Second, ms, ms, time.Second}, took)
	})
}
