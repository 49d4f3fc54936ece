package protobuf

import (
	"errors"
	"math"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// Labels are for display alone: of a sample so many are kept, and so many bytes
// of the key and of the value of each. The rest is left out.
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
	values := 0
	for len(b) > 0 {
		num, v, msg, rest, err := next(b)
		if err != nil {
			return err
		}
		switch num {
		case sampleLocationID:
			// Repeated numbers come packed into a message, or one by one.
			if msg == nil {
				err = d.refer(v, &s)
			} else {
				err = d.referPacked(msg, &s)
			}
		case sampleValue:
			if msg == nil {
				if values++; values == 1 {
					s.count = int64(v)
				}
			}
			for len(msg) > 0 && err == nil {
				v, msg, err = number(msg)
				if values++; values == 1 {
					s.count = int64(v)
				}
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
	return d.addSample(s)
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

// referPacked adds the locations of a message to a sample. Nearly all that is read
// of a profile goes through here.
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
			continue // deeper than is kept
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

// growRefs makes room for so many more locations of a sample. Samples share
// chunks; one that does not fit takes its own to the next.
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
