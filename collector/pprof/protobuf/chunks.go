package protobuf

import "sync"

// The chunks for locations and samples are used again for the next profile, because touching
// new memory costs more than reading it.
type (
	refChunk    [8192]uint32
	sampleChunk [1024]protoSample
)

var (
	refChunks    = sync.Pool{New: func() any { return new(refChunk) }}
	sampleChunks = sync.Pool{New: func() any { return new(sampleChunk) }}
)

// newSampleChunk returns an empty chunk for a decoder that has a number of samples. Chunks are
// small at first, because most profiles are.
func newSampleChunk(samples int) []protoSample {
	if samples >= len(sampleChunk{}) {
		return sampleChunks.Get().(*sampleChunk)[:0]
	}
	return make([]protoSample, 0, max(16, samples))
}

// release gives the chunks to other decoders. The decoder cannot be used afterwards.
func (d *decoder) release() {
	for _, c := range d.chunks {
		refChunks.Put(c)
	}
	for _, part := range d.samples {
		if cap(part) == len(sampleChunk{}) {
			clear(part) // they refer to the locations
			sampleChunks.Put((*sampleChunk)(part[:cap(part)]))
		}
	}
	d.refs, d.chunks, d.samples = nil, nil, nil
}
