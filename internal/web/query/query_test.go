package query

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var checkout = labels.FromStrings("namespace", "prod", "job", "checkout")

func TestFilter(t *testing.T) {
	for name, c := range map[string]struct {
		q, match string
		texts    []string
		want     bool
	}{
		"nothing is asked for":              {want: true},
		"a word of a label":                 {q: "check", want: true},
		"in any case":                       {q: "CHECKOUT", want: true},
		"all words, in any order":           {q: "prod check", want: true},
		"a word that is missing":            {q: "prod ledger", want: false},
		"names of labels are no text":       {q: "namespace", want: false},
		"a word of another text":            {q: "chan", texts: []string{"main.f", "chan send"}, want: true},
		"no word goes over two texts":       {q: "fchan", texts: []string{"f", "chan"}, want: false},
		"spaces alone":                      {q: " \t ", want: true},
		"a matcher":                         {match: `job="checkout"`, want: true},
		"a matcher in braces":               {match: `{job="checkout"}`, want: true},
		"a matcher with spaces around":      {match: `  job = "checkout" `, want: true},
		"another value":                     {match: `job="ledger"`, want: false},
		"all matchers":                      {match: `job="checkout",namespace="staging"`, want: false},
		"a pattern":                         {match: `namespace=~"prod|staging"`, want: true},
		"a pattern is anchored":             {match: `job=~"check"`, want: false},
		"not equal":                         {match: `job!="ledger"`, want: true},
		"a label that it has not is empty":  {match: `pod=""`, want: true},
		"a word and a matcher":              {q: "prod", match: `job="checkout"`, want: true},
		"a value without quotes":            {match: `job=checkout`, want: true},
		"another value without quotes":      {match: `job=ledger`, want: false},
		"some with quotes, some without":    {match: `{namespace=~prod|staging, job="checkout",}`, want: true},
		"a comma within quotes":             {match: `job=~"a,b|checkout",namespace=prod`, want: true},
		"a bare word is searched for":       {match: `check`, want: true},
		"a bare word that is missing":       {match: `job`, want: false},
		"a bare word and a matcher":         {match: `check,namespace=prod`, want: true},
		"a bare word, another matcher":      {match: `check,namespace=staging`, want: false},
		"a word passes, a matcher does not": {q: "prod", match: `job="ledger"`, want: false},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewFilter(url.Values{"q": {c.q}, "match": {c.match}})
			require.Empty(t, f.Problem)
			require.Equal(t, c.want, f.Passes(checkout, c.texts...))
		})
	}
	require.True(t, Filter{}.Passes(checkout), "the zero filter lets all through")
}

// TestFilterWithAMistake: a filter that cannot be read says so and lets nothing through.
func TestFilterWithAMistake(t *testing.T) {
	for name, c := range map[string]struct{ q, match, problem string }{
		"no value":             {match: "namespace=", problem: `"namespace=" is not a label matcher; expected e.g. namespace="prod", job=~"a|b"`},
		"two operators":        {match: "job==checkout", problem: "is not a label matcher"},
		"two values":           {match: "job=a b", problem: "is not a label matcher"},
		"half a pattern":       {match: `job=~"("`, problem: "is not a label matcher"},
		"two selectors":        {match: `{job="a"}}`, problem: "is not a label matcher"},
		"the name of a metric": {match: `{__name__="go_goroutines"}`, problem: "is not a label matcher"},
		"a metric":             {match: `go_goroutines{job="a"}`, problem: "is not a label matcher"},
		"too long a text":      {q: strings.Repeat("x", MaxLength+1), problem: "the filter is too long, expected at most 500 bytes"},
		"too long a matcher":   {match: `job="` + strings.Repeat("x", MaxLength) + `"`, problem: "the filter is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewFilter(url.Values{"q": {c.q}, "match": {c.match}})
			require.Contains(t, f.Problem, c.problem)
			require.Less(t, len(f.Problem), 300)
			require.False(t, f.Passes(checkout))
			require.False(t, f.Passes(labels.EmptyLabels()))
		})
	}
	longest := NewFilter(url.Values{"q": {strings.Repeat("x", MaxLength)}})
	require.Empty(t, longest.Problem)
	require.Equal(t, "a b", NewFilter(url.Values{"q": {"a\nb"}}).Text, "what is shown again is one line")
}

// TestLeaks: every unknown value is refused by name, because an empty list looks like an
// all-clear.
func TestLeaks(t *testing.T) {
	read := func(q string) Leaks {
		values, err := url.ParseQuery(q)
		require.NoError(t, err)
		return NewLeaks(values)
	}
	for q, problem := range map[string]string{
		"state=bogus":      `state: "bogus" is not known, expected firing, plateaued, suspected, expected or resolved`,
		"evidence=hearsay": `evidence: "hearsay" is not known, expected growth, stack, aged or proven`,
		"sort=colour":      `sort: "colour" is not known, expected impact, newest, growth, leaked or service`,
		"order=up":         `order: "up" is not known, expected asc or desc`,
		"group=team":       `group: "team" is not known, expected function`,
	} {
		x := read(q)
		require.Equal(t, problem, x.Problem)
		require.False(t, x.Passes(leak.Leak{Service: checkout}), q)
	}
	require.Equal(t, Expected, read("state=ignored").State, "as the API names it")
	for q, reversed := range map[string]bool{
		"": false, "sort=growth": false, "sort=growth&order=desc": false, "sort=growth&order=asc": true,
		"sort=service": false, "sort=service&order=asc": false, "sort=service&order=desc": true,
	} {
		require.Equal(t, reversed, read(q).Reversed, q)
	}
	l := leak.Leak{Service: checkout, State: leak.Firing, Evidence: leak.Aged, Version: "v1.2"}
	require.True(t, read("evidence=aged&version=v1.2").Passes(l))
	require.False(t, read("evidence=stack").Passes(l))
	require.False(t, read("version=v1.3").Passes(l))
	require.Equal(t, "firing", StateOf(l))
	l.PlateauedAt = time.Now()
	require.Equal(t, "plateaued", StateOf(l))
	l.State = leak.Ignored
	require.Equal(t, "expected", StateOf(l))
}

func TestWindow(t *testing.T) {
	all := []int{0, 1, 2, 3, 4}
	for q, want := range map[string][]int{
		"":                    {0, 1, 2, 3, 4},
		"limit=2":             {0, 1},
		"offset=3":            {3, 4},
		"limit=2&offset=1":    {1, 2},
		"limit=2&offset=4":    {4},
		"offset=5":            {},
		"offset=99":           {},
		"limit=1000&offset=0": {0, 1, 2, 3, 4},
	} {
		values, err := url.ParseQuery(q)
		require.NoError(t, err)
		w, err := NewWindow(values)
		require.NoError(t, err, q)
		require.Equal(t, want, Cut(all, w), q)
	}
	for q, problem := range map[string]string{
		"limit=0":                     "limit: expected 1 to 1000",
		"limit=-1":                    "limit: expected 1 to 1000",
		"limit=1001":                  "limit: expected 1 to 1000",
		"limit=x":                     "limit: expected 1 to 1000",
		"limit=1e3":                   "limit: expected 1 to 1000",
		"offset=-1":                   "offset: expected 0 or more",
		"offset=x":                    "offset: expected 0 or more",
		"offset=99999999999999999999": "offset: expected 0 or more",
	} {
		values, err := url.ParseQuery(q)
		require.NoError(t, err)
		_, err = NewWindow(values)
		require.EqualError(t, err, problem, q)
	}
}

func TestSpan(t *testing.T) {
	from := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	to := from.Add(6 * time.Hour)
	for q, want := range map[string]Span{
		"":                                  {From: from, To: to, Points: 600},
		"load=true":                         {From: from, To: to, Points: 600, Load: true},
		"load=1":                            {From: from, To: to, Points: 600},
		"points=10":                         {From: from, To: to, Points: 10},
		"points=1000":                       {From: from, To: to, Points: 1000},
		"start=2026-03-02T13:30:00.5Z":      {From: from.Add(90*time.Minute + 500*time.Millisecond), To: to, Points: 600},
		"start=2026-03-02T14:00:00%2b01:00": {From: from.Add(time.Hour), To: to, Points: 600},
		"end=1772456400.25":                 {From: from, To: time.UnixMilli(1772456400250), Points: 600},
		"start=1772452800&end=1772456400":   {From: from, To: from.Add(time.Hour), Points: 600},
		"start=2025-11-02T18:00:00Z":        {From: to.Add(-120 * 24 * time.Hour), To: to, Points: 600},
	} {
		values, err := url.ParseQuery(q)
		require.NoError(t, err)
		got, err := NewSpan(values, from, to)
		require.NoError(t, err, q)
		require.True(t, want.From.Equal(got.From), "%s: from %s", q, got.From)
		require.True(t, want.To.Equal(got.To), "%s: to %s", q, got.To)
		require.Equal(t, want.Points, got.Points, q)
		require.Equal(t, want.Load, got.Load, q)
	}
	for q, problem := range map[string]string{
		"start=yesterday":            `start: "yesterday" is not a time, expected Unix seconds or RFC 3339`,
		"end=NaN":                    `end: "NaN" is not a time, expected Unix seconds or RFC 3339`,
		"start=0":                    `start: "0" is not a time, expected Unix seconds or RFC 3339`,
		"start=-5":                   `start: "-5" is not a time, expected Unix seconds or RFC 3339`,
		"start=1772452800000":        `start: "1772452800000" is not a time, expected Unix seconds or RFC 3339`,
		"start=1969-12-31T23:59:59Z": `start: "1969-12-31T23:59:59Z" is not a time, expected Unix seconds or RFC 3339`,
		"end=2026-03-02T12:00:00Z":   "end: expected a time after start",
		"start=2026-03-02T18:00:00Z": "end: expected a time after start",
		"start=2025-11-02T17:59:59Z": "start: expected at most 120 days before end",
		"points=9":                   "points: expected 10 to 1000",
		"points=1001":                "points: expected 10 to 1000",
		"points=x":                   "points: expected 10 to 1000",
	} {
		values, err := url.ParseQuery(q)
		require.NoError(t, err)
		_, err = NewSpan(values, from, to)
		require.EqualError(t, err, problem, q)
	}
}

// TestDefaultSpanIsClamped: a leak that began a year ago has a chart too.
func TestDefaultSpanIsClamped(t *testing.T) {
	to := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	s, err := NewSpan(nil, to.AddDate(-1, 0, 0), to)
	require.NoError(t, err)
	require.Equal(t, to, s.To)
	require.Equal(t, 120*24*time.Hour, s.To.Sub(s.From))
}

// TestStep: a step is a multiple of the least one, and there are no more steps than points.
func TestStep(t *testing.T) {
	for _, c := range []struct {
		span   time.Duration
		points int
		least  time.Duration
		want   time.Duration
	}{
		{10 * time.Minute, 600, 0, time.Second},
		{time.Minute, 600, 0, time.Second},
		{time.Hour, 600, 0, 6 * time.Second},
		{time.Hour + time.Second, 600, 0, 7 * time.Second},
		{time.Hour, 600, time.Minute, time.Minute},
		{24 * time.Hour, 600, time.Minute, 3 * time.Minute},
		{6 * time.Hour, 10, time.Minute, 36 * time.Minute},
		{10 * time.Second, 100, 50 * time.Millisecond, 100 * time.Millisecond},
		{120 * 24 * time.Hour, 1000, time.Second, 10368 * time.Second},
	} {
		at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		got := Span{From: at, To: at.Add(c.span), Points: c.points}.Step(c.least)
		require.Equal(t, c.want, got, "%+v", c)
		require.LessOrEqual(t, int(c.span/got), c.points, "%+v", c)
	}
}
