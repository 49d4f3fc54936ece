package pprof

import (
	"io"
	"math"
	"strings"
	"time"

	"github.com/google/pprof/profile"

	"github.com/gorowatch/gorowatch/collector"
)

func parseProto(r io.Reader, lim Limits) (*collector.Profile, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	src, err := profile.ParseUncompressed(data)
	if err != nil {
		return nil, collector.Errorf(collector.ReasonBadData, "not a profile: %w", err)
	}
	if err := src.CheckValid(); err != nil {
		return nil, collector.Errorf(collector.ReasonBadData, "%w", err)
	}
	p := &collector.Profile{Format: collector.FormatProto}
	if p.Kind, err = kindOf(src); err != nil {
		return nil, err
	}
	if src.TimeNanos > 0 {
		p.Time = time.Unix(0, src.TimeNanos)
	}
	if len(src.Sample) > lim.Stacks {
		return nil, collector.Errorf(collector.ReasonTooLarge, "%d stacks, more than %d", len(src.Sample), lim.Stacks)
	}
	p.Records = make([]collector.Record, 0, len(src.Sample))
	for i, s := range src.Sample {
		n := s.Value[0]
		if n < 0 {
			return nil, collector.Errorf(collector.ReasonBadData, "sample %d: %d goroutines: is it the difference of two profiles?", i+1, n)
		}
		if p.Total > math.MaxInt64-n {
			return nil, collector.Errorf(collector.ReasonBadData, "sample %d: the number of goroutines overflows", i+1)
		}
		p.Total += n
		rec := collector.Record{Count: n}
		for _, l := range s.Location {
			if len(l.Line) == 0 && len(rec.Frames) < lim.Depth {
				rec.Frames = append(rec.Frames, collector.Frame{})
			}
			for _, ln := range l.Line {
				if len(rec.Frames) < lim.Depth && ln.Function != nil {
					rec.Frames = append(rec.Frames, collector.Frame{Func: ln.Function.Name, File: ln.Function.Filename, Line: int(ln.Line)})
				}
			}
		}
		if len(s.Label) > 0 {
			rec.Labels = make(map[string]string, len(s.Label))
			for k, v := range s.Label {
				rec.Labels[k] = strings.Join(v, ",")
			}
		}
		p.Records = append(p.Records, rec)
	}
	return p, nil
}

func kindOf(src *profile.Profile) (collector.ProfileKind, error) {
	if len(src.SampleType) == 0 {
		return "", collector.Errorf(collector.ReasonNotProfile, "a profile without a sample type")
	}
	return kindByType(src.SampleType[0].Type)
}

// kindByType tells goroutine profiles from others by the type of their first
// value.
func kindByType(typ string) (collector.ProfileKind, error) {
	switch typ {
	case "goroutine", "goroutines":
		return collector.KindGoroutine, nil
	case "goroutineleak":
		return collector.KindGoroutineLeak, nil
	case "alloc_objects", "alloc_space", "inuse_objects", "inuse_space":
		return "", collector.Errorf(collector.ReasonNotProfile, "that is a heap profile, not a goroutine profile")
	case "samples", "cpu":
		return "", collector.Errorf(collector.ReasonNotProfile, "that is a CPU profile, not a goroutine profile")
	case "contentions", "delay":
		return "", collector.Errorf(collector.ReasonNotProfile, "that is a mutex or block profile, not a goroutine profile")
	case "threadcreate":
		return "", collector.Errorf(collector.ReasonNotProfile, "that is a threadcreate profile, not a goroutine profile")
	}
	return "", collector.Errorf(collector.ReasonNotProfile, "that is a profile of %.60q, not a goroutine profile", typ)
}
