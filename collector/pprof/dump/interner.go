package dump

import (
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// interner keeps one copy of each string and of each frame.
type interner struct {
	strs   map[string]string
	frames map[collector.Frame]*collector.Frame
	memory *bounds.Account
}

// Estimated sizes of entries of the maps.
const (
	internedStringSize = 48
	internedFrameSize  = 110
)

func newInterner() interner {
	return interner{strs: map[string]string{}, frames: map[collector.Frame]*collector.Frame{}}
}

func (in interner) str(b []byte) string {
	if s, ok := in.strs[string(b)]; ok {
		return s
	}
	s := string(b)
	in.strs[s] = s
	_ = in.memory.Charge(len(s) + internedStringSize)
	return s
}

func (in interner) frame(f collector.Frame) *collector.Frame {
	kept := in.frames[f]
	if kept == nil {
		kept = &f
		in.frames[f] = kept
		_ = in.memory.Charge(internedFrameSize)
	}
	return kept
}
