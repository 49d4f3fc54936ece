package bounds

import "cmp"

// Limits bound what one profile may cost. A zero field takes its default.
type Limits struct {
	// Body is the number of bytes as sent. Default 80 MiB: a whole debug=2
	// dump of 64 MB fits.
	Body int64
	// Decoded is the number of bytes after decompression. Default 256 MiB.
	Decoded int64
	// Stacks is the number of distinct stacks. Default 200 000.
	Stacks int
	// Depth is the number of frames kept of one stack, leaf first. More are dropped, not
	// refused: the runtime writes at most 128, to which inlining adds. Default 512.
	Depth int
	// SplitBy is the key of a label. Goroutines of a dump at the same place that differ in it
	// become separate records. Default: none.
	SplitBy string
	// Source is part of the prefix that a log source, such as a pod, puts before its lines.
	// Dumps of other sources are not read. Default: the first source that has a dump.
	Source string
	// SkipSources are sources whose dumps are not read, as in Profile.Source.
	SkipSources []string
	// Heap allows heap profiles, and nothing else. Default: they are refused.
	Heap bool
	// Memory is the estimated number of bytes that decoding may use. Default 128 MiB.
	Memory int64
	// Budget bounds the memory of all decoders that have it; nil: no bound.
	Budget *Budget
}

// WithDefaults replaces zero fields by their defaults.
func (l Limits) WithDefaults() Limits {
	l.Body = cmp.Or(l.Body, 80<<20)
	l.Decoded = cmp.Or(l.Decoded, 256<<20)
	l.Stacks = cmp.Or(l.Stacks, 200_000)
	l.Depth = cmp.Or(l.Depth, 512)
	l.Memory = cmp.Or(l.Memory, 128<<20)
	return l
}

// BufferSize is the size of the buffers that readers of dumps need. The format is decided by
// this much of the text: a dump may have a panic's message and log lines before its first
// goroutine. A longer line is cut.
const BufferSize = 64 << 10
