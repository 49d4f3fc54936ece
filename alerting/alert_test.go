package alerting

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting/internal/leaktest"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var detected = leaktest.Detected

func checkout() leak.Leak { return leaktest.Checkout() }
func library() leak.Leak  { return leaktest.Library() }

// unattributed returns a leak without a profile.
func unattributed() leak.Leak {
	l := checkout()
	l.Evidence, l.Missing, l.Share, l.Stacks, l.Base, l.Head, l.Version = leak.Growth, "the target answers 404", 0, nil, nil, nil, ""
	l.Onset = l.Onset.Add(-48 * time.Hour)
	return l
}

func resolved() leak.Leak {
	l := checkout()
	l.State, l.ResolvedAt, l.Resolution = leak.Resolved, time.Date(2026, 3, 2, 22, 58, 0, 0, time.UTC), "gone with version v1.42.1"
	l.Leaked, l.Rate = 0, trend.Interval{Value: 212.3, Low: 190.1, High: 240.2}
	return l
}

// plateaued returns a leak that no longer grows, and whose rollout is known.
func plateaued() leak.Leak {
	l := checkout()
	l.PlateauedAt, l.Rate = time.Date(2026, 3, 2, 20, 30, 0, 0, time.UTC), trend.Interval{}
	l.DeployedAt = time.Date(2026, 3, 2, 13, 58, 0, 0, time.UTC)
	return l
}

func render() RenderOptions {
	u, err := url.Parse("https://gorowatch.example.com/leaks-of/")
	if err != nil {
		panic(err)
	}
	return RenderOptions{
		ExternalURL: u, ExternalLabels: labels.FromStrings("cluster", "eu-1"),
		Dashboard: "https://grafana.example.com/d/service?var-job={job}&from={from}&to={to}", Runbook: "https://runbooks.example.com/{job}/goroutine-leak",
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "go test -update rewrites it")
}

func TestGolden(t *testing.T) {
	for name, l := range map[string]leak.Leak{
		"checkout": checkout(), "library": library(), "unattributed": unattributed(), "resolved": resolved(), "plateaued": plateaued(),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", Text(l, render())+"\n")
			b, err := json.MarshalIndent(Render(l, Warning, render()), "", "  ")
			require.NoError(t, err)
			golden(t, name+".json", string(b)+"\n")
		})
	}
}

func TestLabelsAreIdentity(t *testing.T) {
	first := checkout()
	first.Evidence, first.Stacks, first.Share, first.Version = leak.Growth, nil, 0, ""
	a, b, c := Render(first, Warning, render()), Render(checkout(), Warning, render()), Render(resolved(), Warning, render())
	require.Equal(t, labels.FromStrings("alertname", "GoroutineLeak", "severity", "warning", "leak", "3f9c2a7b",
		"namespace", "prod", "job", "checkout", "cluster", "eu-1"), b.Labels)
	require.Equal(t, a.Labels, b.Labels, "what is learnt of a leak does not change its labels")
	require.Equal(t, b.Labels, c.Labels)
	require.Equal(t, detected, b.StartsAt)
	require.Zero(t, b.EndsAt)
	require.Equal(t, resolved().ResolvedAt, c.EndsAt)
	require.Equal(t, "https://gorowatch.example.com/leaks-of/leaks/3f9c2a7b", b.GeneratorURL)
}

func TestLabelsThatCollide(t *testing.T) {
	l := checkout()
	l.Service = labels.FromStrings("alertname", "mine", "leak", "mine", "severity", "mine", "cluster", "mine", "job", "a\xffb")
	require.Equal(t, labels.FromStrings("alertname", "GoroutineLeak", "severity", "critical", "leak", "3f9c2a7b", "cluster", "mine", "job", "a\uFFFDb"),
		Render(l, Critical, RenderOptions{ExternalLabels: labels.FromStrings("cluster", "eu-1", "leak", "x")}).Labels)
}

func TestWithoutExternalURL(t *testing.T) {
	a := Render(checkout(), Warning, RenderOptions{})
	require.Empty(t, a.GeneratorURL)
	for _, name := range []string{"profile_base", "profile_head", "pprof_command", "dashboard_url", "runbook_url"} {
		require.NotContains(t, a.Annotations, name)
	}
	require.NotContains(t, Text(checkout(), RenderOptions{}), "pprof")
}

// TestKeyFirst checks what receivers rely on: the line after the count names the leaking
// function, whatever is below it on the stack.
func TestKeyFirst(t *testing.T) {
	l := library()
	for n := range 40 {
		l.Stacks[0].Frames = append(l.Stacks[0].Frames, collector.Frame{Func: fmt.Sprintf("main.caller%d", n), File: "x.go", Line: n})
	}
	for n := range 6 {
		l.Stacks = append(l.Stacks, leak.StackGrowth{Op: "select", Key: collector.Frame{Func: fmt.Sprintf("main.other%d", n)}, Head: 5})
	}
	diff := Render(l, Warning, render()).Annotations["stack_diff"]
	lines := strings.Split(diff, "\n")
	require.Equal(t, "+1,500 (3 → 1,503)  chan receive", lines[0])
	require.Equal(t, []string{"main.(*Cron).subscribe.func1", "cron.go:33"}, strings.Fields(lines[1]))
	require.Contains(t, diff, "waiting in github.com/redis/go-redis/v9.(*channel).initMsgChan.func1   pubsub.go:701")
	require.Contains(t, diff, "and 4 stacks more")
	requireFrames(t, diff)

	l.Stacks[0].Key = collector.Frame{Func: "main.notAmongTheFrames", File: "y.go", Line: 1}
	lines = strings.Split(Render(l, Warning, render()).Annotations["stack_diff"], "\n")
	require.Equal(t, []string{"main.notAmongTheFrames", "y.go:1"}, strings.Fields(lines[1]))

	l.Stacks[0].Key = collector.Frame{}
	lines = strings.Split(Render(l, Warning, render()).Annotations["stack_diff"], "\n")
	require.Contains(t, lines[1], "initMsgChan", "without a key the leaf is next best")
}

// requireFrames checks the bounds of a stack_diff.
func requireFrames(t *testing.T, diff string) {
	t.Helper()
	require.LessOrEqual(t, len(diff), maxStackDiff)
	frames := 0
	for _, line := range strings.Split(diff, "\n") {
		if strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "  (") {
			frames++
		}
	}
	require.LessOrEqual(t, frames, maxFrames)
}

func requireBounds(t *testing.T, l leak.Leak, a Alert) {
	t.Helper()
	weight := 0
	for name, value := range a.Annotations {
		weight += len(name) + len(value)
		require.True(t, utf8.ValidString(value), name)
		require.NotEmpty(t, value, name)
		for _, r := range value {
			require.True(t, unicode.IsPrint(r) || r == '\n', "%s holds %U", name, r)
		}
	}
	require.LessOrEqual(t, weight, maxAnnotations)
	require.LessOrEqual(t, utf8.RuneCountInString(a.Annotations["summary"]), maxSummary)
	require.NotContains(t, a.Annotations["summary"], "\n")
	requireFrames(t, a.Annotations["stack_diff"])
	if len(l.Stacks) > 0 {
		lines := strings.Split(a.Annotations["stack_diff"], "\n")
		require.GreaterOrEqual(t, len(lines), 2, "the leading stack is there: %q", lines)
	}
	_, err := json.Marshal(a)
	require.NoError(t, err)
}

// hostile returns a leak whose names all try to break the alert.
func hostile(size int) leak.Leak {
	return named("<script>alert(1)</script>\u202e\x00\n$(reboot) `id` '; DROP \xff{{ .Labels }} \"é世界", size)
}

// named returns a leak in which everything has the same name, repeated.
func named(bad string, size int) leak.Leak {
	for len(bad) < size {
		bad += bad
	}
	f := collector.Frame{Func: bad, File: "/" + bad, Line: math.MaxInt}
	l := checkout()
	l.Service = labels.FromStrings("namespace", bad, "job", bad, "instance", bad)
	l.ID, l.Missing, l.Resolution, l.Version = bad, bad, bad, bad
	l.Instances = []string{bad, bad, bad, bad}
	s := leak.StackGrowth{Op: bad, Frames: []collector.Frame{f, f, f, f}, Key: f, CreatedBy: f, Base: math.MinInt64, Head: math.MaxInt64, Share: math.NaN(), Wait: math.MaxInt64}
	l.Stacks = []leak.StackGrowth{s, s, s, s, s, s}
	l.Rate, l.Leaked, l.Share = trend.Interval{Value: math.Inf(1), Low: math.NaN(), High: math.NaN()}, math.NaN(), math.NaN()
	l.Base.Key, l.Head.Key = "profiles/"+bad, "profiles/"+bad
	return l
}

func TestHostile(t *testing.T) {
	leaks := []leak.Leak{hostile(1), hostile(1 << 10), hostile(1 << 20), named("𝔘", 1000), named("世/", 1000), named("\xff", 1000), named("[", 1000)}
	for _, l := range leaks {
		for _, state := range []leak.State{leak.Firing, leak.Resolved} {
			l.State = state
			a := Render(l, Warning, render())
			requireBounds(t, l, a)
			for _, line := range strings.Split(Text(l, render()), "\n") {
				for _, r := range line {
					require.True(t, unicode.IsPrint(r), "%U", r)
				}
			}
		}
	}
}

// FuzzRender checks that the alert of any leak stays within bounds.
func FuzzRender(f *testing.F) {
	f.Add("main.f", "x.go", "prod", "v1", 3, 10, 1.5, 0.5)
	f.Add("\xff\u202e", "", "", "\n", 0, 100, math.NaN(), -1.0)
	f.Fuzz(func(t *testing.T, fn, file, name, word string, stacks, frames int, rate, share float64) {
		l := checkout()
		l.Service = labels.FromStrings("job", name)
		l.Version, l.Missing, l.Rate.Value, l.Share, l.Leaked = word, word, rate, share, rate
		fr := collector.Frame{Func: fn, File: file, Line: frames}
		s := leak.StackGrowth{Op: word, Key: fr, CreatedBy: fr, Frames: make([]collector.Frame, max(frames, 0)%300)}
		for i := range s.Frames {
			s.Frames[i] = fr
		}
		l.Stacks = make([]leak.StackGrowth, max(stacks, 0)%40)
		for i := range l.Stacks {
			l.Stacks[i] = s
		}
		if fn == "" {
			l.Stacks = nil // a stack without a function has no line to show
		}
		l.Head.Key = "profiles/" + word
		requireBounds(t, l, Render(l, Warning, render()))
	})
}

func TestLinks(t *testing.T) {
	base, err := url.Parse("https://gw.example.com/x")
	require.NoError(t, err)
	link := ProfileURL(base, "profiles/a%2Fb & c/$HOME/1.pb.gz")
	require.Equal(t, "https://gw.example.com/x/api/v1/profiles/a%252Fb%20&%20c/$HOME/1.pb.gz", link)
	u, err := url.Parse(link)
	require.NoError(t, err)
	require.Equal(t, "/x/api/v1/profiles/a%2Fb & c/$HOME/1.pb.gz", u.Path, "the path ends with the key")
	require.Equal(t, "go tool pprof -http=: -base 'https://h/$HOME' 'https://h/it'\\''s'", PprofCommand("https://h/$HOME", "https://h/it's"))
	require.Equal(t, "https://gw.example.com/x/leaks/a%2Fb", PageURL(base, "a/b"))
}

func TestProjection(t *testing.T) {
	l := checkout()
	l.Instances, l.Head = l.Instances[:1], nil
	require.Equal(t, "100,000 goroutines in about 19 days", Projection(l, RenderOptions{}))
	require.Equal(t, "10,000 goroutines in about 38 h", Projection(l, RenderOptions{Limit: 10_000}))
	require.Equal(t, "over 1,000 goroutines already", Projection(l, RenderOptions{Limit: 1000}))
	l.Instances = []string{"a", "b", "c", "d"}
	require.Equal(t, "100,000 goroutines per instance in about 78 days", Projection(l, RenderOptions{}))
	l.Rate.Value = 0
	require.Equal(t, "does not grow now", Projection(l, RenderOptions{}))
	l.Rate.Value = 1e-9
	require.Equal(t, "100,000 goroutines per instance in about 200 years", Projection(l, RenderOptions{}))
}

func TestServiceName(t *testing.T) {
	require.Equal(t, "prod/checkout", ServiceName(labels.FromStrings("job", "checkout", "namespace", "prod")))
	require.Equal(t, "checkout/eu/x", ServiceName(labels.FromStrings("app", "eu", "job", "checkout", "zone", "x")))
	require.Equal(t, "(no labels)", ServiceName(labels.EmptyLabels()))
}

// If the number of goroutines created is known, the alert says how many of them never end.
func TestOneIn(t *testing.T) {
	l := leak.Leak{Rate: trend.Interval{Value: 100}}
	require.Empty(t, OneIn(l))
	l.Created = 21_400
	require.Equal(t, "1 in 214 goroutines never ends", OneIn(l))
	require.Contains(t, growth(l), "; 1 in 214 goroutines never ends")
	l.Created = 101
	require.Equal(t, "nearly every goroutine that is created never ends", OneIn(l))
	l.Rate = trend.Interval{}
	require.Empty(t, OneIn(l))
}
