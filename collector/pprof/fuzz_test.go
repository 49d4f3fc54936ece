package pprof

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
	"github.com/gorowatch/gorowatch/collector/pprof/dump"
)

var fuzzLimits = Limits{Body: 1 << 20, Decoded: 1 << 20, Stacks: 50, Depth: 20}

// seeds adds the real profiles whose names match.
func seeds(f *testing.F, pattern string) {
	files, err := filepath.Glob("../../internal/stack/testdata/profiles/" + pattern)
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(data[:min(len(data), 4<<10)]) // long seeds only slow it down
	}
}

// bounded reads hostile bytes and checks the promises of Parse.
func bounded(t *testing.T, data []byte) *collector.Profile {
	p, err := Parse(bytes.NewReader(data), fetched, fuzzLimits)
	if err != nil {
		require.Nil(t, p)
		require.NotEqual(t, collector.ReasonOther, collector.ReasonOf(err), "%v", err)
		require.Less(t, len(err.Error()), 1000, "a message for people")
		return nil
	}
	require.LessOrEqual(t, len(p.Records), fuzzLimits.Stacks)
	var total int64
	size := 0
	for _, r := range p.Records {
		require.LessOrEqual(t, len(r.Frames), fuzzLimits.Depth)
		require.GreaterOrEqual(t, r.Count, int64(0))
		total += r.Count
		size += len(r.Goroutines)
		if p.Format == collector.FormatDebug2 {
			require.Len(t, r.Goroutines, int(r.Count))
		}
	}
	require.Equal(t, p.Total, total)
	require.LessOrEqual(t, size, len(data))
	return p
}

func FuzzProto(f *testing.F) {
	seeds(f, "*.leak.pb.gz")
	f.Add(proto("goroutine", 1, 2, 3))
	f.Add(encode(rebuild(&collector.Profile{Kind: collector.KindGoroutine, Records: []collector.Record{
		{Count: 2, Frames: []*collector.Frame{{Func: "main.f", File: "/f.go", Line: 1}}, Labels: map[string]string{"route": "/cart", "": "x", "n": ""}},
	}})))
	f.Add(decompress(proto("goroutineleak", 1, 2, 3)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := bounded(t, data)
		if p == nil || p.Format != collector.FormatProto {
			return
		}
		// A profile that was read can be written and read again.
		again := bounded(t, encode(rebuild(p)))
		require.NotNil(t, again)
		require.Equal(t, p.Total, again.Total)
		require.Len(t, again.Records, len(p.Records))
		for i := range p.Records {
			require.Equal(t, p.Records[i].Count, again.Records[i].Count)
			require.Len(t, again.Records[i].Frames, len(p.Records[i].Frames))
			for j, fr := range p.Records[i].Frames {
				require.Equal(t, fr, again.Records[i].Frames[j])
			}
			labels := maps.Clone(p.Records[i].Labels)
			maps.DeleteFunc(labels, func(_, v string) bool { return v == "" }) // a writer marks a number in this way
			requireLabels(t, labels, again.Records[i].Labels)
		}
	})
}

// rebuild converts p for the reference implementation.
func rebuild(p *collector.Profile) *profile.Profile {
	out := &profile.Profile{SampleType: []*profile.ValueType{{Type: string(p.Kind), Unit: "count"}}, TimeNanos: p.Time.UnixNano()}
	for _, r := range p.Records {
		s := &profile.Sample{Value: []int64{r.Count}, Label: map[string][]string{}}
		for k, v := range r.Labels {
			s.Label[k] = []string{v}
		}
		for _, fr := range r.Frames {
			id := uint64(len(out.Function) + 1)
			fn := &profile.Function{ID: id, Name: fr.Func, Filename: fr.File}
			l := &profile.Location{ID: id, Line: []profile.Line{{Function: fn, Line: int64(fr.Line)}}}
			out.Function, out.Location = append(out.Function, fn), append(out.Location, l)
			s.Location = append(s.Location, l)
		}
		out.Sample = append(out.Sample, s)
	}
	return out
}

// requireLabels treats nil and an empty map alike.
func requireLabels(t *testing.T, want, got map[string]string) {
	t.Helper()
	require.True(t, maps.Equal(want, got), "want labels %q, have %q", want, got)
}

func FuzzDebug1(f *testing.F) {
	seeds(f, "*.leak.debug1.txt")
	f.Add([]byte("goroutine profile: total 1\n1 @ 0x1\n# labels: {\"a\":\"b\"}\n#\t0x1\tmain.f+0x1\t/f.go:1\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := bounded(t, data)
		if p == nil || p.Format != collector.FormatDebug1 {
			return
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s profile: total %d\n", p.Kind, p.Total)
		for _, r := range p.Records {
			fmt.Fprintf(&b, "%d @ 0x1\n", r.Count)
			if len(r.Labels) > 0 {
				fmt.Fprintf(&b, "# labels: {%s}\n", pairs(r.Labels))
			}
			for _, fr := range r.Frames {
				if fr.Func == "" || fr.File == "" {
					return // nothing to write in its place
				}
				fmt.Fprintf(&b, "#\t0x1\t%s+0x1\t%s:%d\n", fr.Func, fr.File, fr.Line)
			}
			b.WriteString("\n")
		}
		if dump.Detect([]byte(b.String())) != dump.Debug1 {
			return // control characters further along
		}
		again := bounded(t, []byte(b.String()))
		p.ReadAs, again.ReadAs = "", ""
		require.Equal(t, p, again)
	})
}

func pairs(labels map[string]string) string {
	var out []string
	for k, v := range labels {
		out = append(out, fmt.Sprintf("%q: %q", k, v))
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

func FuzzDebug2(f *testing.F) {
	seeds(f, "*.debug2.txt")
	f.Add([]byte(oneDump))
	f.Add([]byte("goroutine 7 [select] {n: 7, empty: , route: \"/cart\\\"]: {a\"}:\nmain.f(...)\n\t/f.go:1\n"))
	f.Add([]byte("goroutine 7 [chan send (leaked), 3 minutes, locked to thread, synctest bubble 4 labels:{\"a\": \"x]: y\"}]:\nmain.f(...)\n\t/f.go:1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := bounded(t, data)
		if p == nil || p.Format != collector.FormatDebug2 {
			return
		}
		var b strings.Builder
		for _, r := range p.Records {
			for _, g := range r.Goroutines {
				id := g.ID
				fmt.Fprintf(&b, "goroutine %d [%s", id, r.State)
				if r.Leaked {
					b.WriteString(" (leaked)")
				}
				if r.Wait > 0 {
					fmt.Fprintf(&b, ", %d minutes", r.Wait/time.Minute)
				}
				if len(r.Labels) > 0 {
					fmt.Fprintf(&b, " labels:{%s}", pairs(r.Labels))
				}
				b.WriteString("]:\n")
				if len(r.Frames) == 0 {
					b.WriteString("\tgoroutine running on other thread; stack unavailable\n")
				}
				for _, fr := range r.Frames {
					fmt.Fprintf(&b, "%s(...)\n\t%s:%d +0x1\n", fr.Func, fr.File, fr.Line)
				}
				if r.CreatedBy.Func != "" {
					fmt.Fprintf(&b, "created by %s in goroutine 1\n\t%s:%d +0x1\n", r.CreatedBy.Func, r.CreatedBy.File, r.CreatedBy.Line)
				}
				b.WriteString("\n")
			}
		}
		b.WriteString("\n")
		if dump.Detect([]byte(b.String())) != dump.Debug2 {
			return // control characters further along
		}
		again := bounded(t, []byte(b.String()))
		require.NotNil(t, again, "%q", b.String())
		require.Equal(t, p.Total, again.Total)
		if len(again.Records) != len(p.Records) {
			// They differed in something that a record leaves out, such as a second creator.
			require.Less(t, len(again.Records), len(p.Records))
			return
		}
		for i := range p.Records {
			require.Equal(t, p.Records[i].Goroutines, again.Records[i].Goroutines)
			require.Equal(t, p.Records[i].State, again.Records[i].State)
			require.Equal(t, p.Records[i].Frames, again.Records[i].Frames)
			if header := len(p.Records[i].State) + len(pairs(p.Records[i].Labels)); header < bounds.BufferSize-100 { // longer ones are cut
				requireLabels(t, p.Records[i].Labels, again.Records[i].Labels)
			}
		}
	})
}

// FuzzAny lets Parse detect the format.
func FuzzAny(f *testing.F) {
	for _, w := range wrappings {
		f.Add([]byte(w.do(oneDump)))
		f.Add([]byte(w.do(manyCounts)))
	}
	f.Add([]byte(utf16Text(true, true, "\r\n")(oneDump)))
	f.Add([]byte(utf16Text(false, false, "\n")(manyCounts)))
	for _, s := range []string{manyDumps + manyDumps, manyCounts + manyCounts, expand(manyDumps), expand(manyCounts), "", "<html>", "heap profile: 1", "\x1f\x8b", "{}", "goroutine 1 [select]:\n", oneDump} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { bounded(t, data) })
}
