package convert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/gorowatch/gorowatch/collector"
)

// builder makes a profile from records as they are read.
type builder struct {
	out       *profile.Profile
	functions map[[2]string]*profile.Function // by name and file
	locations map[collector.Frame]*profile.Location
}

func newBuilder() *builder {
	// A mapping that has all names keeps pprof from looking for the program.
	m := &profile.Mapping{ID: 1, Limit: 1 << 62, HasFunctions: true, HasFilenames: true, HasLineNumbers: true, HasInlineFrames: true}
	return &builder{
		out:       &profile.Profile{Mapping: []*profile.Mapping{m}},
		functions: map[[2]string]*profile.Function{},
		locations: map[collector.Frame]*profile.Location{},
	}
}

// hidden are the runtime's functions that a dump leaves out although goroutines wait in them.
// Readers of the profile find the operation by them.
var hidden = map[string]string{
	"chan send":         "runtime.chansend1",
	"chan receive":      "runtime.chanrecv1",
	"select":            "runtime.selectgo",
	"select (no cases)": "runtime.block",
}

// add adds the goroutines of a record.
func (b *builder) add(format collector.Format, rec *collector.Record) error {
	s := &profile.Sample{Value: []int64{rec.Count}, Label: map[string][]string{}, NumLabel: map[string][]int64{}, NumUnit: map[string][]string{}}
	for _, key := range slices.Sorted(maps.Keys(rec.Labels)) {
		if value := rec.Labels[key]; value != "" {
			s.Label[key] = []string{value}
		}
	}
	b.extra(s, "created_by", rec.CreatedBy.Func)
	b.extra(s, "state", rec.State)
	if rec.Leaked {
		b.extra(s, "leaked", "true")
	}
	if rec.Wait > 0 {
		s.NumLabel["wait"] = []int64{int64(rec.Wait / time.Minute)}
		s.NumUnit["wait"] = []string{"minutes"}
	}
	if leaf := leafOf(rec); format == collector.FormatDebug2 && leaf != "" {
		s.Location = append(s.Location, b.location(collector.Frame{Func: "runtime.gopark"}), b.location(collector.Frame{Func: leaf}))
	}
	for _, f := range rec.Frames {
		s.Location = append(s.Location, b.location(*f))
	}
	b.out.Sample = append(b.out.Sample, s)
	return nil
}

// extra adds a label that the program did not set.
func (b *builder) extra(s *profile.Sample, key, value string) {
	if _, has := s.Label[key]; !has && value != "" {
		s.Label[key] = []string{value}
	}
}

// leafOf returns the function that a dump leaves out of a record, empty for none.
func leafOf(rec *collector.Record) string {
	if len(rec.Frames) > 0 && strings.HasPrefix(rec.Frames[0].Func, "runtime.") {
		return ""
	}
	for state, function := range hidden {
		if rec.State == state || strings.HasPrefix(rec.State, state+" (") && state != "select" {
			return function
		}
	}
	return ""
}

func (b *builder) location(f collector.Frame) *profile.Location {
	l := b.locations[f]
	if l != nil {
		return l
	}
	key := [2]string{f.Func, f.File}
	fn := b.functions[key]
	if fn == nil {
		fn = &profile.Function{ID: uint64(len(b.out.Function) + 1), Name: f.Func, SystemName: f.Func, Filename: f.File}
		b.functions[key] = fn
		b.out.Function = append(b.out.Function, fn)
	}
	id := uint64(len(b.out.Location) + 1)
	l = &profile.Location{ID: id, Address: id, Mapping: b.out.Mapping[0], Line: []profile.Line{{Function: fn, Line: int64(f.Line)}}}
	b.locations[f] = l
	b.out.Location = append(b.out.Location, l)
	return l
}

// profile returns the profile of all records, with kind and time from p.
func (b *builder) profile(p *collector.Profile) *profile.Profile {
	kind := &profile.ValueType{Type: string(p.Kind), Unit: "count"}
	b.out.SampleType = []*profile.ValueType{kind}
	b.out.PeriodType, b.out.Period = kind, 1
	b.out.TimeNanos = p.Time.UnixNano()
	comment := fmt.Sprintf("converted by gorowatch from %s", p.Format)
	if p.ReadAs != "" {
		comment += ", read as: " + p.ReadAs
	}
	b.out.Comments = append([]string{comment}, p.Warnings...)
	return b.out
}
