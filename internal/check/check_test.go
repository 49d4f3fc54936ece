package check

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// The test binary is also the target, and the command, which requests a URL ten times.
const (
	asServer = "CHECK_SERVER"
	asLoad   = "CHECK_LOAD"
)

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		server()
	}
	if u := os.Getenv(asLoad); u != "" {
		for range 10 {
			resp, err := http.Get(u)
			if err != nil {
				fmt.Println(err)
				os.Exit(3)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		fmt.Println("asked ten times")
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// server runs the target in its own process.
func server() {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/leaky", handler(0))
	mux.HandleFunc("/fixed", handler(1))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = http.Serve(l, mux) }()
	fmt.Printf("http://%s\n", l.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends
	os.Exit(0)
}

// handler has the most common leak: nobody receives.
func handler(room int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		result := make(chan string, room)
		go func() { result <- "late" }()
		_, _ = io.WriteString(w, "timed out")
	}
}

func startServer(t *testing.T) (url string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asServer+"=1")
	return start(t, cmd)
}

// start starts a program that prints its address, and ends when its input does.
func start(t *testing.T, cmd *exec.Cmd) (url string) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, stdin.Close())
		require.NoError(t, cmd.Wait())
	})
	url, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(url)
}

func TestRunAgainstAServer(t *testing.T) {
	url := startServer(t)
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	o := Options{
		Target: url, Client: &http.Client{Transport: tr}, Command: []string{os.Args[0]},
		Settle: time.Minute, Interval: 20 * time.Millisecond, JUnit: filepath.Join(t.TempDir(), "junit.xml"),
	}

	t.Setenv(asLoad, url+"/fixed")
	var out, progress bytes.Buffer
	leaked, err := Run(t.Context(), o, &out, &progress)
	require.NoError(t, err)
	require.False(t, leaked, "%s", &out)
	require.Equal(t, "ok: no goroutine stayed after "+os.Args[0]+"\n", out.String())
	require.Contains(t, progress.String(), "asked ten times", "the command's output")
	junit, err := os.ReadFile(o.JUnit)
	require.NoError(t, err)
	require.Contains(t, string(junit), `tests="1" failures="0"`)

	// The goroutines never end, so the wait stops after a third of the time.
	o.Settle = 6 * time.Second
	t.Setenv(asLoad, url+"/leaky")
	o.Repeat = 2
	out.Reset()
	leaked, err = Run(t.Context(), o, &out, io.Discard)
	require.NoError(t, err)
	require.True(t, leaked)
	require.Contains(t, out.String(), "LEAK: 20 goroutines stayed after 2 runs of ")
	require.Contains(t, out.String(), "handler.func")
	require.Contains(t, out.String(), "check_test.go:")
	junit, err = os.ReadFile(o.JUnit)
	require.NoError(t, err)
	var suites junitSuites
	require.NoError(t, xml.Unmarshal(junit, &suites))
	require.Equal(t, 1, suites.Suite.Failures)
	require.Contains(t, suites.Suite.Cases[0].Failure.Message, "20 goroutines stayed at ")
	require.Contains(t, suites.Suite.Cases[0].Failure.Text, "+20 (")

	o.Repeat, o.Allow, o.Format = 1, 10, diff.FormatJSON
	out.Reset()
	leaked, err = Run(t.Context(), o, &out, io.Discard)
	require.NoError(t, err)
	require.False(t, leaked, "as many as allowed")
	var got struct {
		Leaked bool
		Stayed int
		Diff   struct{ Stacks []struct{ Key string } }
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &got))
	require.Equal(t, 10, got.Stayed)
	require.Contains(t, got.Diff.Stacks[0].Key, "handler")

	o.Allow, o.Ignore, o.Format = 0, regexp.MustCompile(`check_test\.go`), diff.FormatMarkdown
	out.Reset()
	leaked, err = Run(t.Context(), o, &out, io.Discard)
	require.NoError(t, err)
	require.False(t, leaked)
	require.True(t, strings.HasPrefix(out.String(), "### ok: no goroutine stayed"))
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(pprof.Index))
	defer server.Close()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	target := server.URL + "/debug/pprof/goroutine"
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{Target: "localhost:80", Command: []string{"true"}}, "target: want the URL of a goroutine profile"},
		{Options{Target: target}, "no command to run: put it after --"},
		{Options{Target: "http://me:hunter2@%zz", Command: []string{"true"}}, `--target: want the URL of a goroutine profile, such as http://127.0.0.1:8080/debug/pprof/goroutine, got "…@%zz"`},
		{Options{Target: target, Command: []string{"true"}, Allow: -1}, "cannot be negative"},
		{Options{Target: target, Command: []string{"true"}, Wait: -time.Second}, "--wait: -1s cannot be negative, expected a duration such as 30s, or 0s"},
		{Options{Target: target, Command: []string{"true"}, Format: "xml"}, `no format "xml"`},
		{Options{Target: target, Command: []string{"false"}}, "command false: exit status 1"},
		{Options{Target: target, Command: []string{"/no/such/command"}}, "/no/such/command: no such file"},
		{Options{Target: server.URL + "/debug/pprof/nothing", Command: []string{"true"}}, "target: " + server.URL + "/debug/pprof/nothing: 404"},
		{Options{Target: target, Command: []string{"true"}, JUnit: "/no/such/folder/x.xml"}, "JUnit report: "},
	} {
		tc.o.Client = &http.Client{Transport: tr}
		tc.o.Interval = time.Millisecond
		var out bytes.Buffer
		leaked, err := Run(t.Context(), tc.o, &out, io.Discard)
		require.ErrorContains(t, err, tc.want)
		require.False(t, leaked)
		require.Empty(t, out.String())
	}
}

func TestCommandIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, run(ctx, []string{"sleep", "1000"}, io.Discard))
}

// target is a program in virtual time, with a number of goroutines on each stack.
type target struct {
	at    map[string]func(time.Duration) int64
	start time.Time
	takes int
	fail  func(take int) error
}

func (p *target) snapshot(context.Context) (*stack.Snapshot, error) {
	p.takes++
	if p.fail != nil {
		if err := p.fail(p.takes); err != nil {
			return nil, err
		}
	}
	profile := &collector.Profile{Format: collector.FormatDebug2, Time: time.Now()}
	for name, n := range p.at {
		if n := n(time.Since(p.start)); n > 0 {
			profile.Records = append(profile.Records, collector.Record{Count: n, State: "select", Frames: []*collector.Frame{{Func: name, File: "/src/x.go", Line: 3}}})
		}
	}
	return stack.Of(profile), nil
}

func always(n int64) func(time.Duration) int64 { return func(time.Duration) int64 { return n } }

// story checks a target whose command takes a second and then calls ran.
func story(t *testing.T, o Options, ran func(p *target, run int)) (*result, *target, time.Duration) {
	t.Helper()
	p := &target{at: map[string]func(time.Duration) int64{"main.serve": always(5)}, start: time.Now()}
	o.Target, o.Command = "http://x", []string{"load"}
	o, err := o.withDefaults()
	require.NoError(t, err)
	runs := 0
	c := &checker{Options: o, profile: p.snapshot, log: t.Logf, command: func(context.Context) error {
		time.Sleep(time.Second)
		runs++
		ran(p, runs)
		return nil
	}}
	start := time.Now()
	res, err := c.check(t.Context())
	require.NoError(t, err)
	return res, p, time.Since(start)
}

func TestSettling(t *testing.T) {
	// Nothing stays: done at once.
	synctest.Test(t, func(t *testing.T) {
		res, _, took := story(t, Options{}, func(*target, int) {})
		require.False(t, res.Leaked)
		require.Less(t, took, 4*time.Second)
	})
	// Idle connections end one by one over twenty seconds: no leak.
	synctest.Test(t, func(t *testing.T) {
		res, _, took := story(t, Options{}, func(p *target, _ int) {
			end := time.Since(p.start) + 20*time.Second
			p.at["main.conn"] = func(d time.Duration) int64 { return int64((end - d) / time.Second) }
		})
		require.False(t, res.Leaked)
		require.InDelta(t, 20, took.Seconds(), 3)
	})
	// A leak: no goroutine ends for a third of the time.
	synctest.Test(t, func(t *testing.T) {
		res, _, took := story(t, Options{}, func(p *target, _ int) { p.at["main.leak"] = always(50) })
		require.True(t, res.Leaked)
		require.EqualValues(t, 50, res.Stayed)
		require.Len(t, res.report.Stacks, 1)
		require.Equal(t, "main.leak", res.report.Stacks[0].Key.Func)
		require.InDelta(t, 11, took.Seconds(), 3)
	})
	// A goroutine sleeps for long, and then ends: the check waits for it.
	synctest.Test(t, func(t *testing.T) {
		res, _, took := story(t, Options{}, func(p *target, _ int) {
			end := time.Since(p.start) + 25*time.Second
			p.at["time.Sleep"] = func(d time.Duration) int64 {
				if d < end {
					return 1
				}
				return 0
			}
		})
		require.False(t, res.Leaked)
		require.InDelta(t, 26, took.Seconds(), 3)
	})
	// A count goes up and down for ever: the time runs out.
	synctest.Test(t, func(t *testing.T) {
		res, _, took := story(t, Options{Settle: time.Minute}, func(p *target, _ int) {
			n := int64(1000)
			p.at["main.busy"] = func(time.Duration) int64 { n--; return n }
		})
		require.True(t, res.Leaked)
		require.InDelta(t, 60, took.Seconds(), 5)
	})
}

func TestRepeat(t *testing.T) {
	// A pool fills in the first run and is used again in the others.
	synctest.Test(t, func(t *testing.T) {
		res, _, _ := story(t, Options{Repeat: 3}, func(p *target, _ int) { p.at["main.pool"] = always(10) })
		require.False(t, res.Leaked)
		require.Equal(t, 2, res.Runs, "no use in a third")
	})
	// Only the leak grows each time.
	synctest.Test(t, func(t *testing.T) {
		res, _, _ := story(t, Options{Repeat: 3}, func(p *target, run int) {
			p.at["main.pool"] = always(10)
			p.at["main.leak"] = always(int64(4 * run))
			if run == 3 {
				p.at["main.late"] = always(1)
			}
		})
		require.True(t, res.Leaked)
		require.EqualValues(t, 12, res.Stayed)
		require.Len(t, res.report.Stacks, 1)
		require.Equal(t, "main.leak", res.report.Stacks[0].Key.Func)
	})
}

// A goroutine that moved on within its function is not a new one.
func TestMovedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &target{start: time.Now()}
		o, err := Options{Target: "http://x", Command: []string{"load"}}.withDefaults()
		require.NoError(t, err)
		frames := func(fns ...string) []*collector.Frame {
			var out []*collector.Frame
			for _, f := range fns {
				out = append(out, &collector.Frame{Func: f})
			}
			return out
		}
		now, leaked := "main.wait", int64(0)
		c := &checker{Options: o, log: t.Logf, command: func(context.Context) error { now = "main.work"; return nil }, profile: func(context.Context) (*stack.Snapshot, error) {
			p.takes++
			return stack.Of(&collector.Profile{Format: collector.FormatDebug2, Records: []collector.Record{
				{Count: 3, State: "select", Frames: frames(now, "main.loop")},
				{Count: leaked, State: "select", Frames: frames("main.work", "main.loop")},
			}}), nil
		}}
		res, err := c.check(t.Context())
		require.NoError(t, err)
		require.False(t, res.Leaked)

		now = "main.wait"
		c.command = func(context.Context) error { now, leaked = "main.work", 2; return nil }
		res, err = c.check(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, res.Stayed, "three moved, two came")
	})
}

func TestMatchAndAllow(t *testing.T) {
	both := func(p *target, _ int) { p.at["main.a"], p.at["main.b"] = always(3), always(4) }
	for _, tc := range []struct {
		o      Options
		stayed int64
		leaked bool
	}{
		{Options{}, 7, true},
		{Options{Allow: 7}, 7, false},
		{Options{Allow: 6}, 7, true},
		{Options{Match: regexp.MustCompile(`main\.a x\.go:3`)}, 3, true},
		{Options{Ignore: regexp.MustCompile(`main\.a`)}, 4, true},
		{Options{Match: regexp.MustCompile(`x\.go`), Ignore: regexp.MustCompile(`main`)}, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			res, _, _ := story(t, tc.o, both)
			require.Equal(t, tc.stayed, res.Stayed)
			require.Equal(t, tc.leaked, res.Leaked)
		})
	}
}

// The target is not at rest before the command, and fails at times after it.
func TestUneasyTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &target{start: time.Now()}
		n := int64(0)
		p.at = map[string]func(time.Duration) int64{"main.busy": func(time.Duration) int64 { n++; return n % 3 }}
		o, err := Options{Target: "http://x", Command: []string{"load"}, Settle: 9 * time.Second}.withDefaults()
		require.NoError(t, err)
		var said []string
		c := &checker{Options: o, profile: p.snapshot, log: func(f string, a ...any) { said = append(said, fmt.Sprintf(f, a...)) }, command: func(context.Context) error {
			p.takes, p.fail = 0, func(take int) error {
				if take%2 == 1 {
					return errors.New("busy")
				}
				return nil
			}
			return nil
		}}
		_, err = c.check(t.Context())
		require.NoError(t, err)
		require.Contains(t, said[0], "does not come to rest")

		p.fail = func(int) error { return errors.New("gone") }
		_, err = c.check(t.Context())
		require.ErrorContains(t, err, "target: gone")
	})
	// A dump that was cut proves nothing.
	c := &checker{profile: func(context.Context) (*stack.Snapshot, error) { return &stack.Snapshot{Incomplete: true}, nil }}
	_, err := c.takeProfile(t.Context())
	require.ErrorIs(t, err, diff.ErrIncomplete)
}

// The check waits for a target that is not up yet, as long as it fails like one that starts.
func TestWait(t *testing.T) {
	down := collector.Errorf(collector.ReasonRefused, "connection refused")
	idle := collector.Errorf(collector.ReasonOther, "http: server closed idle connection")
	for _, tc := range []struct {
		name string
		wait time.Duration
		up   time.Duration
		err  error // until then
		want string
		took time.Duration // at most
	}{
		{"comes up", 30 * time.Second, 20 * time.Second, down, "", 25 * time.Second},
		{"does not come up", 30 * time.Second, time.Hour, down, "target: connection refused; waited 30s for it to start (--wait)", 30 * time.Second},
		{"hangs up at once", 30 * time.Second, 20 * time.Second, idle, "", 25 * time.Second},
		{"must be up", 0, time.Second, down, "target: connection refused", 0},
		{"is up without a profile", 30 * time.Second, time.Hour, collector.Errorf(collector.ReasonNotFound, "404"), "target: 404", 0},
		{"has a dump that is cut", 30 * time.Second, time.Hour, diff.ErrIncomplete, "target: " + diff.ErrIncomplete.Error(), 0},
		{"wants a login", 30 * time.Second, time.Hour, collector.Errorf(collector.ReasonUnauthorized, "401"), "target: 401", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &target{start: time.Now(), at: map[string]func(time.Duration) int64{"main.serve": always(5)}}
				p.fail = func(int) error {
					if time.Since(p.start) < tc.up {
						return tc.err
					}
					return nil
				}
				o, err := Options{Target: "http://x", Command: []string{"load"}, Wait: tc.wait}.withDefaults()
				require.NoError(t, err)
				var said []string
				c := &checker{Options: o, profile: p.snapshot, command: func(context.Context) error { return nil }, log: func(f string, a ...any) { said = append(said, fmt.Sprintf(f, a...)) }}
				_, err = c.check(t.Context())
				require.LessOrEqual(t, time.Since(p.start), tc.took)
				if tc.want != "" {
					require.EqualError(t, err, tc.want)
				} else {
					require.NoError(t, err)
				}
				if tc.err == down && tc.wait > 0 {
					require.Equal(t, "waiting up to 30s for the target to start: connection refused", said[0])
				}
			})
		})
	}
}

// A port without a listener, and one whose listener hangs up, belong to targets that start.
func TestDownInRealLife(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	loader := &diff.Loader{Client: &http.Client{Transport: tr}}
	_, err = loader.Load(t.Context(), "http://"+l.Addr().String())
	require.True(t, isDown(err), "%v", err)
	require.NoError(t, l.Close())
	<-done
	_, err = loader.Load(t.Context(), "http://"+l.Addr().String())
	require.True(t, isDown(err), "%v", err)
}

// Small targets are asked for dumps, which distinguish goroutines. A large target is not, nor
// one without dumps, nor one whose URL names a format.
func TestDumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		profiles, dumps, size, dumpErr := 0, 0, int64(5), error(nil)
		snapshot := func() *stack.Snapshot {
			return stack.Of(&collector.Profile{Format: collector.FormatDebug2, Records: []collector.Record{{Count: size, State: "select", Frames: []*collector.Frame{{Func: "main.serve"}}}}})
		}
		c := &checker{
			Options: Options{Settle: 9 * time.Second, Interval: time.Second, Repeat: 1}, log: t.Logf,
			profile: func(context.Context) (*stack.Snapshot, error) { profiles++; return snapshot(), nil },
			dump:    func(context.Context) (*stack.Snapshot, error) { dumps++; return snapshot(), dumpErr },
			command: func(context.Context) error { size = dumpLimit + 1; return nil },
		}
		_, err := c.check(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, dumps, "only while it was small")

		profiles, dumps, size, dumpErr = 0, 0, 5, errors.New("no dumps here")
		c.command = func(context.Context) error { return nil }
		c.size = 0
		_, err = c.check(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, dumps)
		require.Greater(t, profiles, 3)
	})
	require.NotNil(t, dumper(&diff.Loader{}, "http://x/debug/pprof/goroutine"))
	for _, url := range []string{"gops://x:1", "http://x/debug/pprof/goroutine?debug=1"} {
		require.Nil(t, dumper(&diff.Loader{}, url), url)
	}
}
