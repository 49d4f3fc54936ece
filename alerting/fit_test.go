package alerting

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// bulky returns a leak with long texts.
func bulky(word string) leak.Leak {
	l := library()
	l.State = leak.Firing
	l.Missing = strings.Repeat(word+" ", 60)
	l.Instances = []string{strings.Repeat(word, 40), strings.Repeat(word, 40), strings.Repeat(word, 40), "d"}
	for n := range 12 {
		l.Stacks[0].Frames = append(l.Stacks[0].Frames, collector.Frame{Func: fmt.Sprintf("main.%s%d", strings.Repeat(word, 80), n), File: strings.Repeat(word, 40) + ".go", Line: n})
	}
	l.Stacks = append(l.Stacks, l.Stacks[1], l.Stacks[1], l.Stacks[1], l.Stacks[1])
	return l
}

// linkOf makes an address for dashboard and runbook, n bytes long.
func linkOf(n int) Address { return Address("https://" + strings.Repeat("x", n-len("https://"))) }

// However long everything is, the annotations that templates of receivers need are present and
// whole. The more useful ones are dropped later.
func TestShorteningKeepsWhatTemplatesNeed(t *testing.T) {
	for _, word := range []string{"w", "é", "世", "𝔘", "<!here>"} {
		for _, service := range []labels.Labels{
			labels.FromStrings("namespace", "prod", "job", "checkout"),
			labels.FromStrings("namespace", strings.Repeat(word, 200), "job", strings.Repeat(word, 200)),
		} {
			for _, state := range []leak.State{leak.Firing, leak.Resolved} {
				for n := 20; n <= maxURL; n += 68 {
					l := bulky(word)
					l.Service, l.State = service, state
					l.Version = strings.Repeat(word, 60)
					o := render()
					o.Dashboard, o.Runbook = linkOf(n), linkOf(maxURL)
					a := Render(l, Warning, o)
					requireBounds(t, l, a)
					require.Equal(t, string(o.Dashboard), a.Annotations["dashboard_url"], "%s %d", word, n)
					require.Equal(t, string(o.Runbook), a.Annotations["runbook_url"])
					require.NotEmpty(t, a.Annotations["summary"])
					require.Contains(t, a.Annotations["stack_diff"], "\n", "the line of code")
				}
			}
		}
	}
}

// Annotations are dropped in order, one at a time, and return as soon as there is room. The
// test goes over the edge byte by byte.
func TestShorteningAtTheEdge(t *testing.T) {
	weight := func(a Alert) (n int) {
		for name, value := range a.Annotations {
			n += len(name) + len(value)
		}
		return n
	}
	l := library()
	o := render()
	o.Runbook = linkOf(600)
	o.Dashboard = linkOf(20)
	full := Render(l, Warning, o)
	// Each link that is a byte longer leaves one byte less of room.
	room := maxAnnotations - weight(full)
	require.Positive(t, room, "nothing is left out yet")
	require.Less(t, room, maxURL-21)
	for n := 20 + room - 3; n <= 20+room; n++ {
		o.Dashboard = linkOf(n)
		a := Render(l, Warning, o)
		require.Equal(t, full.Annotations["description"], a.Annotations["description"], "it still fits")
		require.LessOrEqual(t, weight(a), maxAnnotations)
	}
	o.Dashboard = linkOf(20 + room)
	require.Equal(t, maxAnnotations, weight(Render(l, Warning, o)), "to the last byte")
	o.Dashboard = linkOf(20 + room + 1)
	a := Render(l, Warning, o)
	require.Equal(t, shortDescription(l), a.Annotations["description"])
	for name, value := range full.Annotations {
		if name != "description" && name != "dashboard_url" {
			require.Equal(t, value, a.Annotations[name], "all else is there: %s", name)
		}
	}
}

// Templates see every annotation in full, whatever is left out of the alert.
func TestTemplatesSeeWhatIsLeftOut(t *testing.T) {
	l := bulky("w")
	o := render()
	o.Dashboard, o.Runbook = linkOf(maxURL), linkOf(maxURL)
	plain := Render(l, Warning, o).Annotations
	require.NotContains(t, plain, "pprof_command", "it is too much")

	texts, err := NewTemplates(map[string]string{
		"links":       `{{ .Annotations.runbook_url }}`,
		"how":         `{{ .Annotations.pprof_command }}`,
		"base":        `{{ .Annotations.profile_base }}`,
		"description": `short`,
	})
	require.NoError(t, err)
	o.Annotations = texts
	with := Render(l, Warning, o)
	requireBounds(t, l, with)
	require.Equal(t, string(o.Runbook), with.Annotations["links"])
	require.True(t, strings.HasPrefix(with.Annotations["how"], "go tool pprof "), with.Annotations["how"])
	require.Contains(t, with.Annotations["base"], "/api/v1/profiles/")
	require.Equal(t, "short", with.Annotations["description"])
	require.NotEmpty(t, with.Annotations["summary"])
}

// If a template replaces a long annotation by a short one, the others can use the room.
func TestTemplatesMakeRoom(t *testing.T) {
	l := bulky("w")
	l.Missing = ""
	o := render()
	o.Dashboard, o.Runbook = linkOf(300), linkOf(maxURL)
	require.NotContains(t, Render(l, Warning, o).Annotations, "pprof_command")
	texts, err := NewTemplates(map[string]string{"stack_diff": "see the page", "description": "see the page", "growth": "much"})
	require.NoError(t, err)
	o.Annotations = texts
	a := Render(l, Warning, o).Annotations
	require.Contains(t, a, "pprof_command")
	require.Equal(t, evidence(l), a["evidence"])
	require.Equal(t, onset(l), a["onset"])
}
