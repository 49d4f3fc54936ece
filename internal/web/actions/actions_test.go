package actions

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Text within code has no meaning in Markdown.
var (
	regexpFence = regexp.MustCompile("(?s)```.*?```")
	regexpCode  = regexp.MustCompile("`[^`\n]*`")
)

func logHandler() leak.Leak {
	key := collector.Frame{Func: "main.logHandler.func1", File: "/src/checkout/handler.go", Line: 29}
	return leak.Leak{
		ID: "3f9c2a7b", Service: checkout, State: leak.Firing, Evidence: leak.Aged, Onset: at.Add(-9 * time.Hour), UpdatedAt: at, Version: "v1.42.0",
		Rate: trend.Interval{Value: 212}, Leaked: 1904, Instances: []string{"a", "b"}, InstancesTotal: 8,
		Stacks: []leak.StackGrowth{{Signature: "s1", Op: "chan send", Key: key, Frames: []collector.Frame{key}, Base: 12, Head: 1916, Share: .97}},
		Base:   &leak.ProfileRef{Key: "profiles/a/base.pb.gz"}, Head: &leak.ProfileRef{Key: "profiles/a/head.pb.gz"},
	}
}

func text() Text {
	return Text{
		Render: alerting.RenderOptions{ExternalURL: &url.URL{Scheme: "https", Host: "gorowatch.example.com", Path: "/"}},
		Page:   "https://gorowatch.example.com/leaks/3f9c2a7b",
		Source: func(f collector.Frame) string { return "https://git.example.com/h.go#L29" },
	}
}

func TestMarkdown(t *testing.T) {
	require.Equal(t, strings.Join([]string{
		"**prod/checkout** leaks **212 goroutines per hour** since 2026-03-02 13:59 UTC (v1.42.0): 1,904 leaked so far, on 2 of 8 instances. Evidence: aged.",
		"",
		"Projection: 100,000 goroutines per instance in about 39 days.",
		"",
		"Usually: blocked sending on a channel, with nobody left to receive: the receiver in main.logHandler.func1 (handler.go:29) ended early, or the value was never read; give the channel room, or select on ctx.Done() too.",
		"",
		"[The leak in gorowatch](<https://gorowatch.example.com/leaks/3f9c2a7b>)",
		"",
		"| stack | before | now | change | share |",
		"|---|---:|---:|---:|---:|",
		"| `main.logHandler.func1` [handler.go:29](<https://git.example.com/h.go#L29>), chan send | 12 | 1,916 | +1,904 | 97 % |",
		"",
		"```text",
		"main.logHandler.func1  handler.go:29",
		"```",
		"",
		"Profiles: [before](<https://gorowatch.example.com/api/v1/profiles/a/base.pb.gz>), [now](<https://gorowatch.example.com/api/v1/profiles/a/head.pb.gz>)",
		"",
		"```sh",
		"go tool pprof -http=: -base https://gorowatch.example.com/api/v1/profiles/a/base.pb.gz https://gorowatch.example.com/api/v1/profiles/a/head.pb.gz",
		"```",
		"",
	}, "\n"), withoutHint(text().Markdown(logHandler())))
}

// withoutHint replaces the sentence of the hint, which another package writes.
func withoutHint(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "Usually: ") {
			lines[i] = "Usually: blocked sending on a channel, with nobody left to receive: the receiver in main.logHandler.func1 (handler.go:29) ended early, or the value was never read; give the channel room, or select on ctx.Done() too."
		}
	}
	return strings.Join(lines, "\n")
}

// TestMarkdownOfStates: what is over, or may not be a leak, is not said to leak.
func TestMarkdownOfStates(t *testing.T) {
	l := logHandler()
	l.State, l.ResolvedAt, l.Resolution, l.Leaked = leak.Resolved, at.Add(-time.Hour), "restarted at 21:58 UTC", 0
	require.Contains(t, text().Short(l), "**prod/checkout** leaked goroutines since 2026-03-02 13:59 UTC (v1.42.0), on 2 of 8 instances. Evidence: aged.\n\nResolved 2026-03-02 21:59 UTC: restarted at 21:58 UTC.\n")
	l = logHandler()
	l.PlateauedAt = at.Add(-time.Hour)
	require.Contains(t, text().Short(l), "**prod/checkout** leaked goroutines since 2026-03-02 13:59 UTC (v1.42.0): 1,904 leaked so far")
	l = logHandler()
	l.State = leak.Suspected
	require.Contains(t, text().Short(l), "**prod/checkout** may leak **212 goroutines per hour** since")
}

// Hostile names stay text: no link, no mention, no HTML, no new row or fence.
func TestHostileMarkdown(t *testing.T) {
	const evil = "x`y|z\n```\n[a](http://evil) <img src=x> @all *b* \u202e"
	l := logHandler()
	l.Service, l.Version = labels.FromStrings("job", evil), evil
	l.Stacks[0].Op, l.Stacks[0].Key.Func, l.Stacks[0].Key.File = evil, evil, "/"+evil
	l.Stacks[0].Frames = []collector.Frame{l.Stacks[0].Key}
	in := text()
	in.Source = nil
	got := in.Markdown(l)
	require.NotContains(t, got, "\u202e")
	require.Equal(t, 4, strings.Count(got, "```"))
	outside := strings.ReplaceAll(regexpFence.ReplaceAllString(got, ""), "\\`", "")
	for _, live := range []string{"<img", "[a](", "@all", "http://evil"} {
		require.NotContains(t, regexpCode.ReplaceAllString(outside, ""), live)
	}
	for line := range strings.SplitSeq(outside, "\n") {
		if strings.HasPrefix(line, "| `") {
			require.Equal(t, 6, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"), line)
		}
	}
}

func TestIssues(t *testing.T) {
	l := Links{Issues: []IssueLink{
		{Name: "other", Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "job", "other")}, URL: "https://elsewhere/"},
		{Name: "GitHub", URL: "https://github.com/acme/{job}/issues/new?title={title}&body={body}"},
	}}
	issues := l.IssuesOf(logHandler(), text())
	require.Len(t, issues, 1)
	u, err := url.Parse(issues[0].URL)
	require.NoError(t, err)
	require.Equal(t, "/acme/checkout/issues/new", u.Path)
	require.Equal(t, "Goroutine leak in prod/checkout: main.logHandler.func1 (chan send)", u.Query().Get("title"))
	require.Equal(t, text().Markdown(logHandler()), u.Query().Get("body"))

	long := logHandler()
	for range 30 {
		long.Stacks[0].Frames = append(long.Stacks[0].Frames, collector.Frame{Func: "main." + strings.Repeat("<", 150), File: "f.go", Line: 1})
	}
	issues = l.IssuesOf(long, text())
	require.Len(t, issues, 1)
	require.Less(t, len(issues[0].URL), maxIssueLink)
	require.Contains(t, issues[0].URL, url.QueryEscape("https://gorowatch.example.com/leaks/3f9c2a7b"), "what is too long is shortened, and leads to all of it")
}

func TestRule(t *testing.T) {
	require.Equal(t, `ignore:
- matchers:
  - job="checkout"
  - namespace="prod"
  signature: s1
  comment: 'a "pool": it fills'
  until: "2026-04-01"
`, Rule(logHandler(), `a "pool": it fills`, time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)))
	require.Empty(t, Rule(leak.Leak{}, "", time.Time{}), "no stack, no rule")
}

func TestOwner(t *testing.T) {
	l := Links{Owners: []OwnerRule{
		{Owner: "{team}"},
		{Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "namespace", "prod")}, Owner: "#{namespace}-oncall"},
	}}
	require.Equal(t, "payments", l.OwnerOf(checkout, labels.FromStrings("team", "payments", "namespace", "other")))
	require.Equal(t, "#prod-oncall", l.OwnerOf(checkout, labels.EmptyLabels()))
	require.Empty(t, l.OwnerOf(labels.FromStrings("namespace", "dev"), labels.EmptyLabels()))
	require.Empty(t, Links{}.OwnerOf(checkout, labels.EmptyLabels()))
}
