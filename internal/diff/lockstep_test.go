package diff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// group is goroutines on equal stacks.
type group struct {
	n        int
	function string
	created  string
	labels   string
}

func dumpOf(groups ...group) string {
	var b strings.Builder
	id := 0
	for _, g := range groups {
		for range g.n {
			id++
			fmt.Fprintf(&b, "goroutine %d [select]%s:\n%s(0x%x)\n\t/src/f.go:7 +0x1\n", id, g.labels, g.function, id)
			if g.created != "" {
				fmt.Fprintf(&b, "created by %s in goroutine 1\n\t/src/s.go:3 +0x1\n", g.created)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestLockstep(t *testing.T) {
	const watch, pipe, write, other = "example.org/cd/watch.loop", "example.org/cd/pipe.read", "golang.org/x/net/http2.(*clientStream).writeRequest", "example.net/a/b.work"
	for name, tc := range map[string]struct {
		base, head []group
		want       []string
	}{
		"of one module": {[]group{{n: 300, function: watch}, {n: 300, function: pipe}}, []group{{n: 2653, function: watch}, {n: 2659, function: pipe}}, []string{"1:1"}},
		"started by one function": {[]group{{n: 2, function: watch, created: "main.start"}, {n: 4, function: write, created: "main.start"}},
			[]group{{n: 102, function: watch, created: "main.start"}, {n: 204, function: write, created: "main.start"}, {n: 33, function: other}}, []string{"2:1"}},
		"1:1:2":                    {nil, []group{{n: 50, function: watch, created: "x.y"}, {n: 50, function: write, created: "x.y"}, {n: 100, function: pipe}}, []string{"2:1:1"}},
		"2:3":                      {nil, []group{{n: 200, function: watch}, {n: 300, function: pipe}}, []string{"3:2"}},
		"two groups":               {nil, []group{{n: 700, function: watch}, {n: 700, function: pipe}, {n: 90, function: "example.net/a.f"}, {n: 90, function: "example.net/a.g"}}, []string{"1:1", "1:1"}},
		"unrelated":                {nil, []group{{n: 500, function: watch}, {n: 500, function: other}}, nil},
		"no ratio":                 {nil, []group{{n: 500, function: watch}, {n: 610, function: pipe}}, nil},
		"a ratio of large numbers": {nil, []group{{n: 100, function: watch}, {n: 700, function: pipe}}, nil},
		"few":                      {nil, []group{{n: 5, function: watch}, {n: 5, function: pipe}}, nil},
		"the growth alone":         {[]group{{n: 400, function: watch}}, []group{{n: 500, function: watch}, {n: 100, function: pipe}}, nil},
		"the counts alone":         {[]group{{n: 400, function: watch}, {n: 100, function: pipe}}, []group{{n: 500, function: watch}, {n: 500, function: pipe}}, nil},
		"one grows, one goes":      {[]group{{n: 500, function: pipe}}, []group{{n: 500, function: watch}}, nil},
	} {
		base, head := writeMore(t, dumpOf(tc.base...)), writeMore(t, dumpOf(tc.head...))
		var out bytes.Buffer
		require.NoError(t, Run(t.Context(), Options{Base: base, Head: head, Format: FormatJSON}, &out, io.Discard), name)
		var report struct {
			Lockstep []struct {
				Signatures []string
				Ratio      []int
				Delta      int64
			}
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &report), name)
		var got []string
		for _, l := range report.Lockstep {
			require.Len(t, l.Signatures, len(l.Ratio))
			got = append(got, strings.ReplaceAll(strings.Trim(fmt.Sprint(l.Ratio), "[]"), " ", ":"))
		}
		require.Equal(t, tc.want, got, name)
	}
}

// writeMore writes a dump, which has at least one goroutine.
func writeMore(t *testing.T, text string) string {
	return write(t, "dump.txt", "goroutine 1000000 [running]:\nmain.main()\n\t/src/main.go:9 +0x1\n\n"+text)
}

// Members stand together, below a line with the ratio, and are not cut off.
func TestLockstepIsShown(t *testing.T) {
	base := writeMore(t, dumpOf(group{n: 1, function: "example.net/b.f"}))
	head := writeMore(t, dumpOf(group{n: 900, function: "example.net/b.f"}, group{n: 600, function: "example.org/cd/a.f"}, group{n: 599, function: "example.org/cd/b.g"}, group{n: 20, function: "main.h"}))
	for _, format := range []string{FormatTable, FormatMarkdown} {
		var out bytes.Buffer
		require.NoError(t, Run(t.Context(), Options{Base: base, Head: head, Format: format, Top: 1}, &out, io.Discard))
		text := out.String()
		require.Contains(t, text, "+1,199 (0 → 1,199)  57 %  2 stacks in lockstep, 1:1:")
		require.Less(t, strings.Index(text, "a.f"), strings.Index(text, "b.g"))
		require.NotContains(t, text, "example.net")
		require.Contains(t, text, "2 stacks that changed less")
	}
}

func TestLabel(t *testing.T) {
	base := writeMore(t, dumpOf(group{n: 3, function: "main.f", labels: ` {route: "/cart"}`}, group{n: 4, function: "main.f", labels: ` {route: "/item", n: 1}`}))
	head := writeMore(t, dumpOf(group{n: 90, function: "main.f", labels: ` {route: "/cart"}`}, group{n: 5, function: "main.f", labels: ` {route: "/item", n: 2}`}, group{n: 2, function: "main.f"}))
	run := func(label, format string) (string, error) {
		var out bytes.Buffer
		err := Run(t.Context(), Options{Base: base, Head: head, Format: format, Label: label}, &out, io.Discard)
		return out.String(), err
	}
	text, err := run("", FormatTable)
	require.NoError(t, err)
	require.Contains(t, text, "+90 (7 → 97)")

	text, err = run("route", FormatTable)
	require.NoError(t, err)
	require.Contains(t, text, "\nby label route\n  +87 (3 → 90)  /cart\n  +2 (1 → 3)  (without the label)\n  +1 (4 → 5)  /item\n")
	require.Contains(t, text, "+87 (3 → 90)  97 %  select")
	require.Contains(t, text, "labels: route=/cart")

	text, err = run("route=/item", FormatTable)
	require.NoError(t, err)
	require.Contains(t, text, "head  2026-03-01 14:02 UTC  5 goroutines  +1")
	require.NotContains(t, text, "+87")

	text, err = run("route", FormatJSON)
	require.NoError(t, err)
	var report struct {
		Labels LabelCounts
		Stacks []struct {
			Delta  int64
			Labels map[string]string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &report))
	require.Equal(t, LabelCounts{Key: "route", Values: []LabelCount{{"/cart", 3, 90}, {"", 1, 3}, {"/item", 4, 5}}}, report.Labels)
	require.Equal(t, "/cart", report.Stacks[0].Labels["route"])

	_, err = run("route=/nowhere", FormatTable)
	require.ErrorContains(t, err, "no goroutine has the label route=/nowhere")
}
