package protobuf

import (
	"errors"
	"math"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// Labels are only for display: at most this many of a sample are kept, and this many bytes of
// each key and value.
const (
	maxLabels     = 64
	maxLabelBytes = 1024
)

// framesPerStack bounds the frames of a whole profile, as the average of the
// number of stacks allowed.
const framesPerStack = 64

func (d *decoder) sample(b []byte) error {
	if d.count >= d.lim.Stacks {
		return collector.Errorf(collector.ReasonTooLarge, "more than %d stacks (byte %d)", d.lim.Stacks, d.at)
	}
	s := protoSample{labels: span{from: uint32(len(d.labels))}}
	values, inUse := 0, false
	for len(b) > 0 {
		num, v, msg, rest, err := next(b)
		if err != nil {
			return err
		}
		switch num {
		case sampleLocationID:
			// Repeated numbers are packed into a message, or come one by one.
			if msg == nil {
				err = d.refer(v, &s)
			} else {
				err = d.referPacked(msg, &s)
			}
		case sampleValue:
			if msg == nil {
				values++
				inUse = s.value(values, v) || inUse
			}
			for len(msg) > 0 && err == nil {
				v, msg, err = number(msg)
				values++
				inUse = s.value(values, v) || inUse
			}
		case sampleLabel:
			if len(d.labels)-int(s.labels.from) < maxLabels {
				err = d.label(msg)
			}
		}
		if err != nil {
			return err
		}
		b = rest
	}
	if d.refCount += len(s.locs); d.refCount > d.lim.Stacks*framesPerStack {
		return d.tooManyFrames()
	}
	s.labels.to = uint32(len(d.labels))
	if values == 0 {
		return collector.Errorf(collector.ReasonBadData, "sample %d (byte %d): it has no value", d.count+1, d.at)
	}
	if s.count < 0 {
		return collector.Errorf(collector.ReasonBadData, "sample %d (byte %d): %d goroutines; is it the difference of two profiles?", d.count+1, d.at, s.count)
	}
	if d.lim.Heap {
		if err := bounds.Push(d.memory, &d.inUse, inUse); err != nil {
			return err
		}
	}
	return d.addSample(s)
}

// inUseObjects is the number of the value, from 1, that counts the objects in use: a heap profile
// has alloc_objects, alloc_space, inuse_objects and inuse_space.
const inUseObjects = 3

// value takes a value of the sample. It returns true for a number of objects in use.
func (s *protoSample) value(n int, v uint64) bool {
	if n == 1 {
		s.count = int64(v)
	}
	return n == inUseObjects && int64(v) > 0
}

// addSample keeps a sample. The parts are small at first, because most profiles are.
func (d *decoder) addSample(s protoSample) error {
	last := len(d.samples) - 1
	if last < 0 || len(d.samples[last]) == cap(d.samples[last]) {
		part := newSampleChunk(d.count)
		d.samples = append(d.samples, part)
		last++
		if err := d.memory.Charge(cap(part) * sampleSize); err != nil {
			return err
		}
	}
	d.samples[last] = append(d.samples[last], s)
	d.count++
	return nil
}

// refer adds a location to a sample.
func (d *decoder) refer(id uint64, s *protoSample) error {
	if len(s.locs) >= d.lim.Depth {
		return nil
	}
	if err := d.growRefs(1, s); err != nil {
		return err
	}
	n, err := d.locationNumber(id)
	d.refs = append(d.refs, n)
	s.locs = d.refs[len(d.refs)-len(s.locs)-1 : len(d.refs) : len(d.refs)]
	return err
}

// referPacked adds the locations of a message to a sample. Most bytes of a profile take this
// path.
func (d *decoder) referPacked(msg []byte, s *protoSample) error {
	room := min(len(msg), d.lim.Depth-len(s.locs))
	if err := d.growRefs(room, s); err != nil {
		return err
	}
	refs, from := d.refs, len(d.refs)-len(s.locs)
	for len(msg) > 0 {
		var id uint64
		if len(msg) > 1 && msg[0] >= 0x80 && msg[1] < 0x80 { // 128 to 16383
			id, msg = uint64(msg[0]&0x7f)|uint64(msg[1])<<7, msg[2:]
		} else {
			var err error
			if id, msg, err = number(msg); err != nil {
				return err
			}
		}
		if room == 0 {
			continue // beyond the depth that is kept
		}
		room--
		n, ok := d.locIDs.lookup(id)
		if !ok {
			var err error
			if n, err = d.locationNumber(id); err != nil {
				return err
			}
		}
		refs = append(refs, n)
	}
	d.refs, s.locs = refs, refs[from:len(refs):len(refs)]
	return nil
}

// growRefs makes room for n more locations of a sample. Samples share chunks; one that does not
// fit moves its own to the next.
func (d *decoder) growRefs(n int, s *protoSample) error {
	if cap(d.refs)-len(d.refs) >= n {
		return nil
	}
	if need := n + len(s.locs); need > len(refChunk{}) {
		d.refs = make([]uint32, 0, need)
	} else {
		c := refChunks.Get().(*refChunk)
		d.chunks = append(d.chunks, c)
		d.refs = c[:0]
	}
	d.refs = append(d.refs, s.locs...)
	return d.memory.Charge(4 * cap(d.refs))
}

func (d *decoder) tooManyFrames() error {
	return collector.Errorf(collector.ReasonTooLarge, "more than %d frames in all (byte %d)", d.lim.Stacks*framesPerStack, d.at)
}

func (d *decoder) label(b []byte) error {
	var l protoLabel
	for len(b) > 0 {
		num, v, _, rest, err := next(b)
		if err != nil || v > math.MaxUint32 && (num == labelKey || num == labelStr) {
			return errMalformed
		}
		switch num {
		case labelKey:
			l.key = uint32(v)
		case labelStr:
			l.str = uint32(v)
		}
		b = rest
	}
	if l.str == 0 {
		return nil
	}
	return errors.Join(bounds.Push(d.memory, &d.labels, l), d.use(uint64(l.key)), d.use(uint64(l.str)))
}
