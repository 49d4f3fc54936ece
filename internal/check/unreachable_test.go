package check

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// startProgram builds and starts the program in testdata, with the goroutineleak profile.
func startProgram(t *testing.T) (url string) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "leaky")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", bin, "./testdata/leaky")
	build.Env = os.Environ()
	if strings.HasPrefix(runtime.Version(), "go1.26") { // later ones have it without
		build.Env = append(build.Env, "GOEXPERIMENT=goroutineleakprofile")
	}
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return start(t, exec.Command(bin))
}

// A real program whose garbage collector proves the leak.
func TestProofOfARealProgram(t *testing.T) {
	url := startProgram(t)
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	o := Options{
		Target: url, Client: &http.Client{Transport: tr}, Command: []string{os.Args[0]},
		Settle: time.Minute, Interval: 20 * time.Millisecond, Repeat: 3, JUnit: filepath.Join(t.TempDir(), "junit.xml"),
	}
	check := func(path, format string) (leaked bool, out string, took time.Duration) {
		t.Setenv(asLoad, url+path)
		o.Format = format
		var b bytes.Buffer
		start := time.Now()
		leaked, err := Run(t.Context(), o, &b, io.Discard)
		require.NoError(t, err)
		return leaked, b.String(), time.Since(start)
	}

	// Goroutines that were unreachable before do not come from the command.
	leaked, out, _ := check("/fixed", diff.FormatTable)
	require.False(t, leaked, out)

	leaked, out, took := check("/leaky", diff.FormatTable)
	require.True(t, leaked)
	require.Less(t, took, 15*time.Second, "nothing is waited for, and the command runs once")
	require.Contains(t, out, "LEAK: 10 goroutines stayed after ")
	require.Contains(t, out, "; all of them are proven leaks: the garbage collector cannot reach them\n")
	require.Contains(t, out, "+10 (0 → 10)  100 %  chan send, 10 unreachable\n")
	require.Regexp(t, `main\.leak\.func1 +\S*main\.go:33`, out)
	require.Contains(t, out, "created by main.leak ")
	require.Contains(t, out, "(blocked sending on a channel in a closure of leak")
	var suites junitSuites
	text, err := os.ReadFile(o.JUnit)
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal(text, &suites))
	require.Equal(t, 1, suites.Suite.Failures)
	require.Equal(t, "10 goroutines stayed at main.leak.func1 main.go:33, evidence proven", suites.Suite.Cases[0].Failure.Message)
	require.Contains(t, suites.Suite.Cases[0].Failure.Text, "10 unreachable")

	_, out, _ = check("/leaky", diff.FormatMarkdown)
	require.Contains(t, out, "all of them are proven leaks")
	require.Contains(t, out, "main.go:33")

	// The same stack as one that was unreachable before.
	leaked, out, _ = check("/before", diff.FormatJSON)
	require.True(t, leaked)
	var got struct {
		Evidence       string
		Stayed, Proven int
		Diff           struct {
			Stacks []struct {
				Key, Signature string
				Unreachable    int
				Hint           struct{ Kind string }
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, "proven", got.Evidence)
	require.Equal(t, []int{30, 30, 30}, []int{got.Stayed, got.Proven, got.Diff.Stacks[0].Unreachable})
	require.NotEmpty(t, got.Diff.Stacks[0].Hint.Kind)

	// A global still refers to this one, so there is no proof, and it is found by waiting.
	o.Settle, o.Repeat = 3*time.Second, 1
	leaked, out, _ = check("/held", diff.FormatJSON)
	require.True(t, leaked)
	got.Proven = -1
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, "stack", got.Evidence)
	require.Zero(t, got.Proven)
}

// proofStory checks a target in virtual time. answers are its goroutineleak profiles, one after
// the other; the last one stays.
func proofStory(t *testing.T, o Options, ran func(p *target, run int), answers ...func(p *target) (*stack.Snapshot, error)) (res *result, asked int, log []string, took time.Duration) {
	t.Helper()
	p := &target{at: map[string]func(time.Duration) int64{"main.serve": always(5), "main.old": always(6)}, start: time.Now()}
	o.Target, o.Command = "http://x", []string{"load"}
	o, err := o.withDefaults()
	require.NoError(t, err)
	runs := 0
	c := &checker{
		Options: o, profile: p.snapshot, log: func(f string, a ...any) { log = append(log, fmt.Sprintf(f, a...)) },
		command: func(context.Context) error { runs++; ran(p, runs); return nil },
	}
	c.unreachable.fetch = func(context.Context) (*stack.Snapshot, error) {
		asked++
		return answers[min(asked, len(answers))-1](p)
	}
	start := time.Now()
	res, err = c.check(t.Context())
	require.NoError(t, err)
	return res, asked, log, time.Since(start)
}

// lists answers with a number of goroutines at each of the named stacks.
func lists(stacks map[string]int64) func(*target) (*stack.Snapshot, error) {
	return func(*target) (*stack.Snapshot, error) {
		profile := &collector.Profile{Kind: collector.KindGoroutineLeak, Format: collector.FormatDebug2, Time: time.Now()}
		for name, n := range stacks {
			profile.Records = append(profile.Records, collector.Record{Count: n, Leaked: true, State: "select", Frames: []*collector.Frame{{Func: name, File: "/src/x.go", Line: 3}}})
		}
		return stack.Of(profile), nil
	}
}

func failsWith(err error) func(*target) (*stack.Snapshot, error) {
	return func(*target) (*stack.Snapshot, error) { return nil, err }
}

func TestProof(t *testing.T) {
	type answer = func(*target) (*stack.Snapshot, error)
	leaks := func(p *target, run int) { p.at["main.leak"] = always(int64(10 * run)) }
	none, old := lists(nil), lists(map[string]int64{"main.old": 6})
	notFound := failsWith(collector.Errorf(collector.ReasonNotFound, "404"))
	for _, tc := range []struct {
		name           string
		o              Options
		ran            func(p *target, run int)
		answers        []answer
		stayed, proven int64
		asked, runs    int
		log            string
		quick          bool // the check does not wait
	}{
		{"at once, in the first of three runs", Options{Repeat: 3}, leaks, []answer{none, lists(map[string]int64{"main.leak": 10})}, 10, 10, 2, 1, "10 new goroutines are unreachable", true},
		{"no such profile", Options{}, leaks, []answer{notFound}, 10, 0, 1, 1, "", false},
		{"another page there", Options{}, leaks, []answer{failsWith(collector.Errorf(collector.ReasonNotProfile, "html"))}, 10, 0, 1, 1, "", false},
		{"it may not be read", Options{}, leaks, []answer{failsWith(collector.Errorf(collector.ReasonUnauthorized, "401"))}, 10, 0, 1, 1, "no proof by the garbage collector of the target: 401", false},
		{"it fails after the command", Options{}, leaks, []answer{none, failsWith(errors.New("busy")), lists(map[string]int64{"main.leak": 10})}, 10, 10, 3, 1, "no proof by the garbage collector of the target this time: busy", false},
		{"nothing grew, nothing is asked", Options{}, func(*target, int) {}, []answer{none}, 0, 0, 1, 1, "", true},
		{"reachable", Options{}, leaks, []answer{none}, 10, 0, 3, 1, "", false},
		{"unreachable after a timeout", Options{}, leaks, []answer{none, none, lists(map[string]int64{"main.leak": 7})}, 10, 7, 3, 1, "", false},
		{"a smaller second answer resolves nothing", Options{Allow: 10}, leaks, []answer{none, lists(map[string]int64{"main.leak": 10}), lists(map[string]int64{"main.leak": 9})}, 10, 10, 3, 1, "", false},
		{"what was unreachable before is no proof", Options{}, leaks, []answer{old, old, old}, 10, 0, 4, 1, "", false},
		{"nor is what the earlier answers missed", Options{}, leaks, []answer{lists(map[string]int64{"main.old": 5}), lists(map[string]int64{"main.old": 5}), old}, 10, 0, 4, 1, "", false},
		{"as many as are allowed", Options{Allow: 10}, leaks, []answer{none, lists(map[string]int64{"main.leak": 10})}, 10, 10, 3, 1, "", false},
		{"the same stack as before", Options{}, func(p *target, _ int) { p.at["main.old"] = always(9) }, []answer{old, old, lists(map[string]int64{"main.old": 9})}, 3, 3, 3, 1, "3 new goroutines are", true},
		{"reachable ones at a stack of unreachable ones", Options{}, func(p *target, _ int) { p.at["main.old"] = always(9) }, []answer{old}, 3, 0, 4, 1, "", false},
		{"one that is ignored", Options{Ignore: regexp.MustCompile(`main\.leak`)}, leaks, []answer{none, lists(map[string]int64{"main.leak": 10})}, 0, 0, 1, 1, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				res, asked, log, took := proofStory(t, tc.o, tc.ran, tc.answers...)
				require.Equal(t, []int64{tc.stayed, tc.proven}, []int64{res.Stayed, res.Proven})
				require.Equal(t, []int{tc.asked, tc.runs}, []int{asked, res.Runs})
				require.Equal(t, tc.stayed > tc.o.Allow, res.Leaked)
				if tc.log != "" {
					require.Contains(t, strings.Join(log, "\n"), tc.log)
				} else {
					require.NotContains(t, strings.Join(log, "\n"), "garbage collector")
				}
				require.Equal(t, tc.quick, took < 5*time.Second, "%s", took)
			})
		})
	}
}

// The verdict says how many are proven.
func TestVerdictOfAProof(t *testing.T) {
	for _, tc := range []struct {
		stayed, proven int64
		want, evidence string
	}{
		{10, 0, "10 goroutines stayed after load", "stack"},
		{10, 4, "10 goroutines stayed after load; 4 of them are proven leaks: the garbage collector cannot reach them", "proven"},
		{10, 10, "10 goroutines stayed after load; all of them are proven leaks: the garbage collector cannot reach them", "proven"},
		{1, 1, "1 goroutine stayed after load; it is a proven leak: the garbage collector cannot reach it", "proven"},
		{0, 0, "no goroutine stayed after load", ""},
	} {
		r := &result{Stayed: tc.stayed, Proven: tc.proven, Runs: 1, command: "load"}
		require.Equal(t, tc.want, r.verdict())
		require.EqualValues(t, tc.evidence, r.evidence())
	}
}

// A gops agent has no such profile. A target that is asked for debug=1 is asked for this
// profile in the same format, because signatures of debug=1 differ.
func TestLeakFetcher(t *testing.T) {
	require.Nil(t, leakFetcher(nil, "gops://x:1"))
	require.NotNil(t, leakFetcher(nil, "http://x/debug/pprof/goroutine?debug=1"))
}
