package protobuf

import (
	"time"
	"unicode/utf8"

	"github.com/gorowatch/gorowatch/collector"
)

// profile puts the parts together.
func (d *decoder) profile(p *collector.Profile, out func(*collector.Record) error) error {
	if d.values == 0 {
		return collector.Errorf(collector.ReasonNotProfile, "a profile without a sample type (%d bytes)", d.at)
	}
	d.buf = nil
	typ, err := d.text(d.typ)
	if err != nil {
		return err
	}
	if p.Kind, err = kindByType(typ, d.lim.Heap); err != nil {
		return err
	}
	p.Format = collector.FormatProto
	if d.timeNanos > 0 {
		p.Time = time.Unix(0, d.timeNanos)
	}
	lines, err := d.usedLines()
	if err != nil {
		return err
	}
	h := handout{decoder: d, lines: lines, out: out}
	for _, part := range d.samples {
		for i := range part {
			if err := h.sample(&part[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// handout passes the samples to the caller. It reuses its record and the arrays behind it to
// avoid an allocation for each.
type handout struct {
	*decoder
	lines   []collector.Frame
	out     func(*collector.Record) error
	n       int // of the sample, from 1
	frames  []*collector.Frame
	numbers []uint32
	record  collector.Record
}

func (h *handout) sample(s *protoSample) (err error) {
	h.n++
	frames, numbers, lines, locs := h.frames[:0], h.numbers[:0], h.lines, h.locs
	for _, ref := range s.locs {
		at := locs[ref]
		if at == unread {
			return collector.Errorf(collector.ReasonBadData, "sample %d: one of its locations is missing; is it complete?", h.n)
		}
		if at.from == at.to { // the program has no name for the address
			last := uint32(len(lines) - 1)
			at = span{last, last + 1}
		}
		for l := at.from; l < at.to; l++ {
			frames = append(frames, &lines[l])
			numbers = append(numbers, l)
		}
		if len(frames) >= h.lim.Depth {
			frames, numbers = frames[:h.lim.Depth], numbers[:h.lim.Depth]
			break
		}
	}
	h.frames, h.numbers = frames, numbers
	h.record = collector.Record{Count: s.count, Frames: frames, Numbers: numbers, Records: h.count, InUse: h.n <= len(h.inUse) && h.inUse[h.n-1]}
	if h.record.Labels, err = h.labelsOf(s); err != nil {
		return err
	}
	if h.decoder.frames += len(frames); h.decoder.frames > h.lim.Stacks*framesPerStack {
		return h.tooManyFrames()
	}
	return h.out(&h.record)
}

// usedLines makes a frame of each line that a sample refers to, once, and lets the locations
// refer to these. Other lines are only checked. The last frame has no name, for locations
// without a line.
func (d *decoder) usedLines() ([]collector.Frame, error) {
	for _, l := range d.lines {
		if l.function == 0 {
			continue
		}
		if _, ok := d.funIDs.lookup(l.function); !ok {
			return nil, collector.Errorf(collector.ReasonBadData, "function %d is missing; is it complete?", l.function)
		}
	}
	used := make([]bool, len(d.locs))
	n := 0
	for _, part := range d.samples {
		for _, s := range part {
			for _, ref := range s.locs {
				used[ref] = true
			}
		}
	}
	for ref, at := range d.locs {
		if used[ref] && at != unread {
			n += int(at.to - at.from)
		}
	}
	if err := d.memory.Charge(len(used) + (n+1)*frameSize); err != nil {
		return nil, err
	}
	frames := make([]collector.Frame, 0, n+1)
	for i, at := range d.locs {
		if !used[i] || at == unread {
			continue
		}
		from := uint32(len(frames))
		for _, l := range d.lines[at.from:at.to] {
			f := collector.Frame{Line: int(l.line)}
			if l.function != 0 {
				fn, _ := d.funIDs.lookup(l.function)
				var err error
				if f.Func, err = d.text(d.funs[fn].name); err == nil {
					f.File, err = d.text(d.funs[fn].file)
				}
				if err != nil {
					return nil, err
				}
			}
			frames = append(frames, f)
		}
		d.locs[i] = span{from, uint32(len(frames))}
	}
	d.lines = nil
	return append(frames, collector.Frame{}), nil
}

// labelsOf returns the labels of a sample. Several values of a key are joined.
func (d *decoder) labelsOf(s *protoSample) (map[string]string, error) {
	n := int(s.labels.to - s.labels.from)
	if n == 0 {
		return nil, nil
	}
	labels := make(map[string]string, n)
	size := emptyMapSize + n*mapEntrySize
	for _, l := range d.labels[s.labels.from:s.labels.to] {
		k, err := d.text(l.key)
		if err != nil {
			return nil, err
		}
		v, err := d.text(l.str)
		if err != nil {
			return nil, err
		}
		k, v = cut(k, maxLabelBytes), cut(v, maxLabelBytes)
		if old, ok := labels[k]; ok {
			if len(old) >= maxLabelBytes {
				continue
			}
			v = cut(old+","+v, maxLabelBytes)
			size += len(v)
		}
		labels[k] = v
	}
	return labels, d.memory.Charge(size)
}

// Estimated sizes of what is kept and passed on.
const (
	sampleSize   = 40
	frameSize    = 40
	emptyMapSize = 48
	mapEntrySize = 40
)

// cut shortens s to a number of bytes, without half a character at its end.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
