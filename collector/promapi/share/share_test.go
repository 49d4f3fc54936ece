package share

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// selects counts the series of own groups and of others in the selectors, and the most
// selectors that a group is in.
func selects(t *testing.T, matchers []string, groups []Group) (own, others float64, most int) {
	t.Helper()
	times := make([]int, len(groups))
	for _, text := range matchers {
		ms, err := parser.NewParser(parser.Options{}).ParseMetricSelector(Within(`{app!="x"}`, text))
		require.NoError(t, err, text)
	groups:
		for i, g := range groups {
			for _, m := range ms {
				if !m.Matches(g.Labels.Get(m.Name)) {
					continue groups
				}
			}
			times[i]++
		}
	}
	for i, g := range groups {
		if g.Own {
			require.Positive(t, times[i], "%s is missing", g.Labels)
			own += g.Series * float64(times[i])
		} else {
			others += g.Series * float64(times[i])
		}
		most = max(most, times[i])
	}
	return own, others, most
}

// shareOf marks a quarter of the groups as own.
func shareOf(groups []Group) (all []Group, own float64) {
	for i := range groups {
		groups[i].Series = float64(1 + i%30)
		if groups[i].Own = labels.StableHash(groups[i].Labels)%4 == 0; groups[i].Own {
			own += groups[i].Series
		}
	}
	return groups, own
}

// In fleets of any shape, a share reads its own services and few others, in few queries that
// are short enough.
func TestShapesOfFleets(t *testing.T) {
	group := func(namespace, job string) Group {
		return Group{Labels: labels.FromStrings("namespace", namespace, "job", job)}
	}
	r := rand.New(rand.NewPCG(1, 2))
	shapes := map[string]func() []Group{
		"teams with services": func() (out []Group) {
			for i := range 5000 {
				out = append(out, group(fmt.Sprint("team-", i%25), fmt.Sprint("service-", i)))
			}
			return out
		},
		"a namespace for each service": func() (out []Group) {
			for i := range 5000 {
				out = append(out, group(fmt.Sprint("ns-", i), fmt.Sprint("service-", i)))
			}
			return out
		},
		"the same jobs in each namespace": func() (out []Group) {
			for i := range 5000 {
				out = append(out, group(fmt.Sprint("ns-", i/10), fmt.Sprint("job-", i%10)))
			}
			return out
		},
		"the same namespaces for each job": func() (out []Group) {
			for i := range 2000 {
				out = append(out, group(fmt.Sprint("ns-", i%4), fmt.Sprint("job-", i/4)))
			}
			return out
		},
		"some of the same jobs": func() (out []Group) {
			seen := map[string]bool{}
			for i := range 4000 {
				g := group(fmt.Sprint("ns-", i/4), fmt.Sprint("job-", r.IntN(30)))
				if s := g.Labels.String(); !seen[s] {
					seen[s] = true
					out = append(out, g)
				}
			}
			return out
		},
		"labels that are not there": func() []Group {
			return []Group{group("", ""), group("", "a"), group("a", ""), group("", "b"), group("b", ""), group("a", "b"), group("b", "a")}
		},
	}
	const length = 7000
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			groups, total := shareOf(shape())
			matchers := Matchers([]string{"namespace", "job"}, groups, length)
			own, others, _ := selects(t, matchers, groups)
			bytes := 0
			for _, m := range matchers {
				require.LessOrEqual(t, len(url.QueryEscape(m)), length)
				bytes += len(url.QueryEscape(m))
			}
			t.Logf("%d groups: %d queries, %d bytes, %.3f of its own series are read, and %.3f of others", len(groups), len(matchers), bytes, own/total, others/total)
			require.LessOrEqual(t, (own+others)/total, 1.1)
			require.LessOrEqual(t, len(matchers), manySelectors)
		})
	}
}

func TestNothingOwned(t *testing.T) {
	require.Empty(t, Matchers([]string{"job"}, nil, 1000))
	require.Empty(t, Matchers([]string{"job"}, []Group{{Labels: labels.FromStrings("job", "a"), Series: 1}}, 1000))
}

func TestCount(t *testing.T) {
	expr := Count([]string{"job", "k8s.namespace", `a"b`}, "go_goroutines")
	require.Equal(t, `count by (job, "k8s.namespace", "a\"b") (go_goroutines)`, expr)
	_, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	require.NoError(t, err)
}

func TestWithin(t *testing.T) {
	for selector, want := range map[string]string{
		"": `{a="b"}`, "{}": `{a="b"}`, ` { } `: `{a="b"}`, `{c="d"}`: `{a="b",c="d"}`, `{c="d",}`: `{a="b",c="d",}`,
	} {
		require.Equal(t, want, Within(selector, `a="b"`))
		_, err := parser.NewParser(parser.Options{}).ParseMetricSelector(want)
		require.NoError(t, err)
	}
	require.Equal(t, []string{`job=""`, `"k8s.namespace"=""`}, Without([]string{"job", "k8s.namespace"}))
}

// With any values, each own group is selected, and the selectors are short.
func FuzzMatchers(f *testing.F) {
	f.Add("a|b.c(d[e*f+g?h^i$j\\k\"l'm{n}o", "a", uint16(3), uint16(500))
	f.Add("a\nb\x00c\x7fd日本", strings.Repeat("é", 3000), uint16(5), uint16(100))
	f.Add("", "", uint16(255), uint16(0))
	f.Fuzz(func(t *testing.T, a, b string, owned, length uint16) {
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		values := []string{a, b, a + b, a + "x", "x" + b, "", "x", a + "|" + b}
		var groups []Group
		seen := map[string]bool{}
		for i, x := range values {
			for k, y := range values {
				ls := labels.FromMap(map[string]string{"a": x, "b": y}) // without the empty ones
				ls = labels.NewBuilder(ls).Labels()
				if !seen[ls.String()] {
					seen[ls.String()] = true
					groups = append(groups, Group{Labels: ls, Series: 1, Own: owned>>((i+k)%16)&1 > 0})
				}
			}
		}
		limit := minLength + int(length)
		matchers := Matchers([]string{"a", "b"}, groups, limit)
		selects(t, matchers, groups)
		for _, m := range matchers {
			if n := len(url.QueryEscape(m)); n > limit {
				t.Fatalf("%q has %d bytes in a URL, more than %d", m, n, limit)
			}
		}
	})
}

// minLength is the smallest length that Matchers gets in practice.
const minLength = 512
