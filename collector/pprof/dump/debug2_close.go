package dump

import (
	"bytes"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

// close counts the goroutine being read.
func (d *dump) close() error {
	if !d.open {
		return nil
	}
	d.dropHalf()
	d.loseFrame()
	d.open = false
	at, ok := d.index[string(d.key)]
	if !ok {
		if len(d.records) >= d.lim.Stacks {
			return collector.Errorf(collector.ReasonTooLarge, "line %d: more than %d stacks", d.in.n, d.lim.Stacks)
		}
		_ = d.memory.Charge(len(d.key) + 2*len(d.labels) + recordSize)
		at = len(d.records)
		d.index[string(d.key)] = at
		d.records = append(d.records, d.record())
	}
	if d.frames == 0 && !d.unavailable {
		d.bare++
	}
	d.count(at)
	return nil
}

// maxCreators is how many creators of a record's goroutines are kept.
const maxCreators = 8

// count adds the goroutine being read to a record.
func (d *dump) count(at int) {
	_ = d.memory.Charge(idSize)
	rec := &d.records[at]
	if rec.Labels != nil {
		keepCommon(rec.Labels, parseLabels(d.labels))
	}
	if d.creator != 0 && len(rec.Creators) < maxCreators && !slices.Contains(rec.Creators, d.creator) {
		rec.Creators = append(rec.Creators, d.creator)
	}
	d.read.add(newSighting(d.id, uint32(min(d.wait/time.Minute, math.MaxUint32)), at, d.apart))
}

// record makes a record from the key; finish counts its goroutines.
func (d *dump) record() collector.Record {
	state, rest, _ := bytes.Cut(d.key, []byte("\n"))
	if d.lim.SplitBy != "" {
		state = state[:max(0, bytes.LastIndexByte(state, splitMark))]
	}
	rec := collector.Record{Labels: parseLabels(d.labels)}
	if n := len(state); n > 0 && state[n-1] == leakedMark {
		rec.Leaked, state = true, state[:n-1]
	}
	rec.State = d.names.str(state)
	rec.Frames = make([]*collector.Frame, 0, bytes.Count(rest, []byte("\n"))/2)
	for len(rest) > 0 {
		var fn, at []byte
		fn, rest, _ = bytes.Cut(rest, []byte("\n"))
		at, rest, _ = bytes.Cut(rest, []byte("\n"))
		created := fn[0] == createdMark
		if created {
			fn = fn[1:]
		}
		f := collector.Frame{Func: d.names.str(fn)}
		f.File, f.Line = fileLine(at, d.names)
		if created {
			rec.CreatedBy = f
		} else {
			rec.Frames = append(rec.Frames, d.names.frame(f))
		}
	}
	rec.Frames = slices.Clip(rec.Frames)
	return rec
}
