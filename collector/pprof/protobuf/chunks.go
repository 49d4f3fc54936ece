package protobuf

import "sync"

// The chunks that locations and samples are kept in while a profile is read are
// used again for the next one: memory that was never touched costs more than
// reading it.
type (
	refChunk    [8192]uint32
	sampleChunk [1024]protoSample
)

var (
	refChunks    = sync.Pool{New: func() any { return new(refChunk) }}
	sampleChunks = sync.Pool{New: func() any { return new(sampleChunk) }}
)

// newSampleChunk is an empty one for a decoder that has so many samples. Chunks
// are small at first, because most profiles are.
func newSampleChunk(samples int) []protoSample {
	if samples >= len(sampleChunk{}) {
		return sampleChunks.Get().(*sampleChunk)[:0]
	}
	return make([]protoSample, 0, max(16, samples))
}

// release lets other decoders have the chunks. The decoder is of no use any more.
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
