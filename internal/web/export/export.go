// Package export writes one goroutine profile, or the difference of two, in the formats of
// other tools: pprof's, speedscope's, and the collapsed stacks of flamegraph.pl.
//
// It is pure: it gets profiles from internal/web/view, and internal/web/apiv1 sends the result.
package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/pprofui"
)

// Format is the format of an exported profile.
type Format string

// The formats.
const (
	Pprof      Format = "pprof"      // a protocol buffer, gzipped
	Speedscope Format = "speedscope" // JSON, for speedscope.app
	Collapsed  Format = "collapsed"  // a line a stack, with its count
)

// Formats are all of them.
var Formats = []Format{Pprof, Speedscope, Collapsed}

// Extension returns the end of the name of a file in a format.
func (f Format) Extension() string {
	return map[Format]string{Pprof: ".pb.gz", Speedscope: ".speedscope.json", Collapsed: ".collapsed.txt"}[f]
}

// Write writes head, or its difference from base unless that is nil. In pprof's format, stacks
// with fewer goroutines have negative counts; a collapsed stack has two counts, before and
// after.
func Write(w io.Writer, f Format, base, head *collector.Profile) error {
	switch f {
	case Pprof:
		return writePprof(w, base, head)
	case Speedscope:
		return writeSpeedscope(w, base, head)
	case Collapsed:
		return writeCollapsed(w, base, head)
	}
	return fmt.Errorf("export: format %q, expected pprof, speedscope or collapsed", f)
}

func writePprof(w io.Writer, base, head *collector.Profile) error {
	out, err := pprofui.Convert(head)
	if err != nil {
		return err
	}
	if base != nil {
		before, err := pprofui.Convert(base)
		if err != nil {
			return err
		}
		before.Scale(-1)
		if out, err = profile.Merge([]*profile.Profile{out, before}); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		out.TimeNanos = head.Time.UnixNano()
		out.Comments = []string{"The difference of two goroutine profiles. Goroutines that went away count negative."}
	}
	return out.Write(w)
}

// line is a stack, root first, with its goroutines before and after.
type line struct {
	frames        []collector.Frame
	key           string
	before, after int64
}

// lines returns the stacks of both profiles, in the order of their names.
func lines(base, head *collector.Profile) []*line {
	byKey := map[string]*line{}
	add := func(p *collector.Profile, count func(*line) *int64) {
		if p == nil {
			return
		}
		var key strings.Builder
		for _, r := range p.Records {
			key.Reset()
			frames := make([]collector.Frame, 0, len(r.Frames))
			for _, f := range slices.Backward(r.Frames) {
				frames = append(frames, *f)
				fmt.Fprintf(&key, "%s\x00%s\x00%d\x00", f.Func, f.File, f.Line)
			}
			l := byKey[key.String()]
			if l == nil {
				l = &line{frames: frames, key: key.String()}
				byKey[l.key] = l
			}
			*count(l) += r.Count
		}
	}
	add(base, func(l *line) *int64 { return &l.before })
	add(head, func(l *line) *int64 { return &l.after })
	out := make([]*line, 0, len(byKey))
	for _, l := range byKey {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *line) int { return cmp.Compare(a.key, b.key) })
	return out
}

// maxName bounds the name of a frame, in characters.
const maxName = 400

func frameName(f collector.Frame) string {
	return cmp.Or(human.Line(collector.ReadableFunc(f.Func), maxName), "(unknown)")
}

// writeCollapsed writes the counts as flamegraph.pl reads them: one, or with a base
// the two that its difffolded.pl writes.
func writeCollapsed(w io.Writer, base, head *collector.Profile) error {
	for _, l := range lines(base, head) {
		names := make([]string, len(l.frames))
		for i, f := range l.frames {
			names[i] = strings.NewReplacer(";", ":", " ", "_").Replace(frameName(f))
		}
		stack := cmp.Or(strings.Join(names, ";"), "(no_frames)")
		var err error
		if base == nil {
			_, err = fmt.Fprintf(w, "%s %d\n", stack, l.after)
		} else {
			_, err = fmt.Fprintf(w, "%s %d %d\n", stack, l.before, l.after)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// The file format of speedscope, as in https://www.speedscope.app/file-format-schema.json.
type (
	speedscopeFile struct {
		Schema   string              `json:"$schema"`
		Exporter string              `json:"exporter"`
		Name     string              `json:"name"`
		Active   int                 `json:"activeProfileIndex"`
		Shared   speedscopeShared    `json:"shared"`
		Profiles []speedscopeProfile `json:"profiles"`
	}
	speedscopeShared struct {
		Frames []speedscopeFrame `json:"frames"`
	}
	speedscopeFrame struct {
		Name string `json:"name"`
		File string `json:"file,omitempty"`
		Line int    `json:"line,omitempty"`
	}
	speedscopeProfile struct {
		Type    string  `json:"type"`
		Name    string  `json:"name"`
		Unit    string  `json:"unit"`
		Start   int64   `json:"startValue"`
		End     int64   `json:"endValue"`
		Samples [][]int `json:"samples"`
		Weights []int64 `json:"weights"`
	}
)

// writeSpeedscope writes one profile, or with a base the increase, the decrease, before and
// after: speedscope has no differences, and no negative weights.
func writeSpeedscope(w io.Writer, base, head *collector.Profile) error {
	all := lines(base, head)
	file := speedscopeFile{
		Schema: "https://www.speedscope.app/file-format-schema.json", Exporter: "gorowatch", Name: "goroutines",
		Shared: speedscopeShared{Frames: []speedscopeFrame{}},
	}
	numbers := map[collector.Frame]int{}
	add := func(name string, weight func(*line) int64) {
		p := speedscopeProfile{Type: "sampled", Name: name, Unit: "none", Samples: [][]int{}, Weights: []int64{}}
		for _, l := range all {
			n := weight(l)
			if n <= 0 {
				continue
			}
			sample := make([]int, len(l.frames))
			for i, f := range l.frames {
				number, ok := numbers[f]
				if !ok {
					number = len(file.Shared.Frames)
					numbers[f] = number
					file.Shared.Frames = append(file.Shared.Frames, speedscopeFrame{Name: frameName(f), File: human.Line(f.File, maxName), Line: f.Line})
				}
				sample[i] = number
			}
			p.Samples, p.Weights, p.End = append(p.Samples, sample), append(p.Weights, n), p.End+n
		}
		file.Profiles = append(file.Profiles, p)
	}
	if base != nil {
		add("grew", func(l *line) int64 { return l.after - l.before })
		add("went", func(l *line) int64 { return l.before - l.after })
		add("before", func(l *line) int64 { return l.before })
	}
	add("after", func(l *line) int64 { return l.after })
	return json.NewEncoder(w).Encode(file)
}
