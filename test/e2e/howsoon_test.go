package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// `make howsoon` sets how long it waits for alerts after the fault, and how long the services
// run healthily before it. The measured gorowatch is that of this tree, unless another is set.
const (
	howSoonEnv       = "GOROWATCH_HOWSOON"
	howSoonBeforeEnv = "GOROWATCH_HOWSOON_BEFORE"
	howSoonBinaryEnv = "GOROWATCH_HOWSOON_BINARY"
	// howSoonLogEnv names a file for gorowatch's log.
	howSoonLogEnv = "GOROWATCH_HOWSOON_LOG"
)

// surePattern matches the confidence in the annotation evidence.
var surePattern = regexp.MustCompile(`(\d+ %) sure of a leak`)

// slowdown is an upstream that answers at once until it becomes slow.
type slowdown struct {
	slow  atomic.Bool
	calls atomic.Int64
}

func (s *slowdown) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if s.slow.Load() && s.calls.Add(1)%6 == 0 {
		time.Sleep(300 * time.Millisecond)
	}
	fmt.Fprintln(w, "42.17")
}

// leakyService is a row of the table.
type leakyService struct {
	name    string
	program string // of test/scenarios; empty: name
	flags   []string
	rate    string // the rate of the leak
	before  *Load  // nil: no traffic before the fault
	after   *Load  // nil: the fault is something else
	deploy  bool   // the fault is a deploy that replaces the fixed program by the leaky one
	proven  bool   // built with the goroutineleak profile
	slow    bool   // the fault is that its upstream becomes slow
	redis   bool

	running *Scenario
	fault   time.Time
	alert   *Alert
	delay   time.Duration // until the alert
}

// howSoonServices returns the six scenarios, and logwriter with a slow leak and with a
// goroutineleak profile.
func howSoonServices() []*leakyService {
	entries := func(every time.Duration) *Load {
		return &Load{
			Every: every, AtATime: 1, Patience: time.Second, Method: http.MethodPost, Body: "an entry",
			Path: func(int) string { return "/entries" },
		}
	}
	sum := func(n string) *Load {
		return &Load{
			Every: time.Second, AtATime: 50, Patience: time.Second, Method: http.MethodGet,
			Path: func(i int) string {
				if i%50 == 0 {
					return "/sum?n=" + n
				}
				return fmt.Sprintf("/sum?n=%d,2,3,4", i)
			},
		}
	}
	return []*leakyService{
		{name: "logwriter", rate: "100/min", after: entries(75 * time.Millisecond)},
		{name: "logwriter-8", program: "logwriter", rate: "8/min", after: entries(937 * time.Millisecond)},
		{name: "logwriter-gc", program: "logwriter", rate: "100/min", after: entries(75 * time.Millisecond), proven: true},
		{
			name: "logfollow", rate: "100/min", after: &Load{
				Every: 600 * time.Millisecond, AtATime: 1, Patience: 300 * time.Millisecond, Method: http.MethodGet,
				Path: func(n int) string { return fmt.Sprintf("/units/unit-%d/lines", n%7) },
			},
		},
		{
			name: "execjob", rate: "30/min", after: &Load{
				Every: 2 * time.Second, AtATime: 1, Patience: 300 * time.Millisecond, Method: http.MethodPost,
				Path: func(int) string { return "/report" },
			},
		},
		{name: "webrequest", rate: "100/min", slow: true},
		{name: "rediscron", rate: "100/min", flags: []string{"--every=600ms"}, deploy: true, redis: true},
		{name: "sumhandler", rate: "60/min", before: sum("1,2,3,4"), after: sum("one,2,three,4")},
	}
}

// A benchmark, not a test: `make howsoon` prints how long after a fault the alert of each
// scenario comes, at default settings, with a real Prometheus that scrapes every 15 seconds.
func TestHowSoon(t *testing.T) {
	within, err := time.ParseDuration(os.Getenv(howSoonEnv))
	if err != nil {
		t.Skipf("%s is not a time: this is for make howsoon", howSoonEnv)
	}
	before, err := time.ParseDuration(cmp.Or(os.Getenv(howSoonBeforeEnv), "10m"))
	require.NoError(t, err)
	services := howSoonServices()
	upstream := &slowdown{}
	market := httptest.NewServer(upstream)
	defer market.Close()
	redis := StartRedis(t)
	collected := filepath.Join(t.TempDir(), "logwriter")
	build := exec.Command("go", "build", "-o", collected, "./logwriter")
	build.Dir = filepath.Join(repository(), "test", "scenarios")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=goroutineleakprofile")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	var jobs []Job
	for _, s := range services {
		s.program = cmp.Or(s.program, s.name)
		if s.redis {
			s.flags = append(s.flags, "--redis="+redis)
		}
		if s.slow {
			s.flags = append(s.flags, "--upstream="+market.URL)
		}
		switch {
		case s.deploy:
			s.running = StartScenario(t, s.program, freeAddress(t), append(s.flags, "--fixed")...)
		case s.proven:
			addr := freeAddress(t)
			p := Start(t, s.name, collected, "--listen="+addr)
			s.running = &Scenario{Program: p, Address: p.WaitFor(t, bound)[1]}
		default:
			s.running = StartScenario(t, s.program, freeAddress(t), s.flags...)
		}
		jobs = append(jobs, job(leakyNamespace, s.name, s.running.Address))
	}
	prometheus := StartPrometheusEvery(t, 15*time.Second, jobs...)
	receiver := StartReceiver(t)
	alertmanager := StartAlertmanager(t, receiver)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "abacus\n")
	config := filepath.Join(dir, "gorowatch.yml")
	write(t, config, fmt.Sprintf(`
prometheus: {url: %s}
targets:
- matchers: ['job="logfollow"']
  path: /internal/pprof/
- matchers: ['job="sumhandler"']
  authorization: {credentials_file: token}
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
`, prometheus.URL, alertmanager.Address))
	binary := os.Getenv(howSoonBinaryEnv)
	if binary == "" {
		binary = built(t, buildGorowatch, "gorowatch")
	}
	flags := []string{"serve", "--config.file=" + config, "--web.listen-address=127.0.0.1:0", "--storage.url=file://" + filepath.Join(dir, "bucket"), "--log.level=debug"}
	gorowatch := &Gorowatch{Program: Start(t, "gorowatch", binary, flags...)}
	gorowatch.URL = "http://" + gorowatch.WaitFor(t, listening)[1]

	stop := map[*leakyService]func(){}
	for _, s := range services {
		if s.before != nil {
			stop[s] = s.before.StartUntil(t, s.running.Address)
		}
	}
	fmt.Fprintf(os.Stderr, "howsoon: %s the services run healthily for %s\n", time.Now().Format(time.TimeOnly), before)
	time.Sleep(before)
	if list := receiver.Alerts(nil); len(list) > 0 {
		t.Errorf("alerts before the fault: %s %v", History(list), list[0].Annotations["summary"])
	}
	for _, s := range services {
		if stop[s] != nil {
			stop[s]()
		}
		if s.deploy {
			addr := s.running.Address
			s.running.Stop(t)
			s.running = StartScenario(t, s.program, addr, s.flags...)
		}
		s.fault = time.Now()
		if s.slow {
			upstream.slow.Store(true)
		}
		if s.after != nil {
			s.after.Start(t, s.running.Address)
		}
	}
	fmt.Fprintf(os.Stderr, "howsoon: %s the fault began; waiting for alerts for up to %s\n", time.Now().Format(time.TimeOnly), within)
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(time.Second) {
		missing := 0
		for _, s := range services {
			if s.alert != nil {
				continue
			}
			list := receiver.Alerts(map[string]string{"job": s.name, "severity": "warning"})
			if len(list) == 0 {
				missing++
				continue
			}
			s.alert, s.delay = &list[0], time.Since(s.fault)
			fmt.Fprintf(os.Stderr, "howsoon: %s %s after %s: %s\n", time.Now().Format(time.TimeOnly), s.name, s.delay.Round(time.Second), s.alert.Annotations["summary"])
		}
		if missing == 0 {
			break
		}
	}
	if path := os.Getenv(howSoonLogEnv); path != "" {
		write(t, path, gorowatch.Output())
	}
	var b strings.Builder
	b.WriteString("| scenario | leaks | alert after | evidence | confidence |\n|---|---|---|---|---|\n")
	for _, s := range services {
		switch {
		case s.alert == nil:
			fmt.Fprintf(&b, "| `%s` | %s | not within %s | | |\n", s.name, s.rate, within)
		default:
			level, rest, _ := strings.Cut(s.alert.Annotations["evidence"], ":")
			sure := ""
			if m := surePattern.FindStringSubmatch(rest); m != nil {
				sure = m[1]
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.name, s.rate, s.delay.Round(time.Second), level, sure)
		}
	}
	fmt.Print(b.String())
}
