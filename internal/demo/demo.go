package demo

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/app"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// slowAfter is how long all is well, so that the leak has a baseline.
const slowAfter = 20 * time.Second

// Options of the demo.
type Options struct {
	// ListenAddress of the pages; a free port if it is taken.
	ListenAddress string
	Registry      *prometheus.Registry
	Out           io.Writer
}

// errServiceEnded ends the demo: there is nothing left to show.
var errServiceEnded = errors.New("demo: one of the services has ended by itself")

// Run runs the demo until ctx is done.
func Run(ctx context.Context, o Options) error {
	if _, _, err := net.SplitHostPort(o.ListenAddress); err != nil {
		return fmt.Errorf("--web.listen-address: %q is not an address, expected host:port such as 127.0.0.1:10980", o.ListenAddress)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	screen := &screen{out: o.Out, began: time.Now(), told: map[string]bool{}}
	screen.say("gorowatch demo: everything runs here, in three processes, and ends with Ctrl-C.")
	screen.say("Two small services start, a leaky one and its fixed twin. Each gets %d requests a second.", requestsPerSecond)

	leaky, err := start(ctx, self, "--slow-after="+slowAfter.String())
	if err != nil {
		return err
	}
	defer leaky.stop()
	fixed, err := start(ctx, self, "--slow-after="+slowAfter.String(), "--fixed")
	if err != nil {
		return err
	}
	defer fixed.stop()

	a, err := app.New(ctx, app.Options{
		Config:      configuration(leaky.addr, fixed.addr),
		Web:         listener(o.ListenAddress),
		ExternalURL: "",
		Logger:      slog.New(slog.DiscardHandler),
		Registry:    o.Registry,
		OnLeaks:     screen.leaks,
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	screen.say("gorowatch scrapes both every second, and takes a goroutine profile now and then.")
	screen.say("Pages: %s", a.ExternalURL())
	screen.pages = a.ExternalURL()
	screen.say("In %d seconds their supplier becomes slow, and requests begin to time out.", int(slowAfter.Seconds()))

	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	wg.Go(func() { screen.follow(ctx, a.Services) })
	wg.Go(func() {
		select {
		case <-leaky.done:
		case <-fixed.done:
		case <-ctx.Done():
			return
		}
		cancel(errServiceEnded)
	})
	err = a.Run(ctx)
	if errors.Is(context.Cause(ctx), errServiceEnded) {
		return errors.Join(err, errServiceEnded)
	}
	screen.say("Done.")
	return err
}

// configuration makes a usual one, with everything sixty times as fast.
func configuration(leaky, fixed string) *config.Config {
	second := model.Duration(time.Second)
	c := config.Default()
	c.Global.EvaluationInterval = second
	c.Trend.Base = second
	c.Profiles.BaselineInterval = 10 * second
	c.Profiles.SuspicionInterval = 3 * second
	c.Storage.URL = "mem://"
	for job, addr := range map[string]string{"checkout": leaky, "checkout-fixed": fixed} {
		set := config.DefaultTargetSet()
		set.Static = []string{addr}
		set.Labels = map[string]string{"namespace": "demo", "job": job}
		c.Targets = append(c.Targets, set)
	}
	return &c
}

// listener makes the flags of the web server.
func listener(address string) *web.FlagConfig {
	if l, err := net.Listen("tcp", address); err == nil {
		_ = l.Close()
	} else {
		address = "127.0.0.1:0"
	}
	none, no := "", false
	return &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: &no, WebConfigFile: &none}
}

// child is a service in its own process.
type child struct {
	addr  string
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{}
}

// start starts a service and waits for its address.
func start(ctx context.Context, self string, args ...string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, self, append([]string{ServiceCommand}, args...)...), done: make(chan struct{})}
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(syscall.SIGTERM) }
	c.cmd.WaitDelay = 2 * time.Second
	c.cmd.SysProcAttr = apart()
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	c.stdin = stdin
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		_ = c.cmd.Wait()
		close(c.done)
	}()
	if err != nil {
		c.stop()
		return nil, errors.New("demo: a service did not start")
	}
	c.addr = strings.TrimSpace(line)
	return c, nil
}

func (c *child) stop() {
	_ = c.stdin.Close()
	<-c.done
}

// screen shows a person what happens.
type screen struct {
	began time.Time
	pages *url.URL        // set before the first evaluation
	told  map[string]bool // leaks, by id and state; owned by the evaluation

	mtx     sync.Mutex // guards what follows
	out     io.Writer
	alerted bool
	firing  map[string]bool // jobs with an open leak
}

func (s *screen) say(format string, args ...any) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	t := time.Since(s.began)
	fmt.Fprintf(s.out, "%02d:%02d  %s\n", int(t.Minutes()), int(t.Seconds())%60, fmt.Sprintf(format, args...))
}

// follow prints every few seconds how the services do.
func (s *screen) follow(ctx context.Context, services func() []app.Service) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if s.isAlerted() && n%6 != 0 {
			continue // the story is complete
		}
		list := services()
		slices.SortFunc(list, func(a, b app.Service) int { return cmp.Compare(a.Labels.Get("job"), b.Labels.Get("job")) })
		var parts []string
		for _, svc := range list {
			job := svc.Labels.Get("job")
			parts = append(parts, fmt.Sprintf("%s: %.0f goroutines, %s", job, svc.Count, s.verdict(job, svc.Status, svc.Gate)))
		}
		s.say("%s", strings.Join(parts, "   "))
	}
}

// verdict says in a few words how a service does. A service with an alert leaks, whatever the
// counts alone show.
func (s *screen) verdict(job string, status trend.Status, gate trend.Gate) string {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	switch {
	case s.firing[job]:
		return "leaking"
	case status.Grows() && (gate == trend.GateTooLittle || gate == trend.GateTooShort || gate == trend.GateUncertain):
		return "growing, but not for long enough to be sure"
	case gate == trend.GateTooLittle:
		return "too new to judge"
	case gate != "":
		return string(status) + " (" + gate.Text() + ")"
	}
	return string(status)
}

func (s *screen) isAlerted() bool {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.alerted
}

// leaks prints each leak once, and again when its evidence is raised.
func (s *screen) leaks(_ time.Time, leaks []leak.Leak) {
	firing := map[string]bool{}
	for _, l := range leaks {
		if l.State == leak.Firing {
			firing[l.Service.Get("job")] = true
		}
	}
	s.mtx.Lock()
	s.firing = firing
	s.mtx.Unlock()
	for _, l := range leaks {
		key := l.ID + string(l.State) + string(l.Evidence)
		if s.told[key] || l.State == leak.Suspected {
			continue
		}
		s.told[key] = true
		if s.isAlerted() {
			s.say("There is more evidence now (%s):", l.Evidence)
		} else {
			s.say("The alert, as Alertmanager would get it:")
		}
		page := s.pages.JoinPath("leaks", l.ID)
		s.mtx.Lock()
		fmt.Fprintf(s.out, "\n%s\n\n", alerting.Text(l, alerting.RenderOptions{ExternalURL: s.pages}))
		again := s.alerted
		s.alerted = true
		s.mtx.Unlock()
		if !again {
			s.say("Its page: %s", page)
			s.say("The twin has room for one answer in its channel, and stays quiet. The demo runs until Ctrl-C.")
		}
	}
}
