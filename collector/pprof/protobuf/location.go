package protobuf

import (
	"errors"
	"math"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// locationNumber returns the number of a location, which may not have been read yet.
func (d *decoder) locationNumber(id uint64) (uint32, error) {
	n, isNew, err := d.locIDs.number(d.memory, id)
	if isNew && err == nil {
		err = bounds.Push(d.memory, &d.locs, unread)
	}
	return n, err
}

var unread = span{from: 1}

func (d *decoder) location(b []byte) error {
	var id uint64
	lines := span{from: uint32(len(d.lines))}
	for len(b) > 0 {
		num, v, msg, rest, err := next(b)
		if err != nil {
			return err
		}
		switch num {
		case locationID:
			id = v
		case locationLine:
			var l protoLine
			for len(msg) > 0 {
				var num, v uint64
				if num, v, _, msg, err = next(msg); err != nil {
					return err
				}
				switch num {
				case lineFunctionID:
					l.function = v
				case lineLine:
					l.line = int64(v)
				}
			}
			if len(d.lines)-int(lines.from) < d.lim.Depth {
				if err := bounds.Push(d.memory, &d.lines, l); err != nil {
					return err
				}
			}
		}
		b = rest
	}
	if len(d.lines) > d.lim.Stacks*framesPerStack {
		return d.tooManyFrames()
	}
	lines.to = uint32(len(d.lines))
	n, err := d.locationNumber(id)
	if err != nil {
		return err
	}
	if d.locs[n] == unread {
		d.locs[n] = lines
		return nil
	}
	return collector.Errorf(collector.ReasonBadData, "location %d is there twice (byte %d)", id, d.at)
}

func (d *decoder) function(b []byte) error {
	var id uint64
	var f protoFunction
	for len(b) > 0 {
		num, v, _, rest, err := next(b)
		if err != nil {
			return err
		}
		switch num {
		case functionID:
			id = v
		case functionName:
			f.name = uint32(min(v, math.MaxUint32))
		case functionFilename:
			f.file = uint32(min(v, math.MaxUint32))
		}
		b = rest
	}
	n, isNew, err := d.funIDs.number(d.memory, id)
	if err != nil {
		return err
	}
	if !isNew {
		return collector.Errorf(collector.ReasonBadData, "function %d is there twice (byte %d)", id, d.at)
	}
	if int(n) != len(d.funs) {
		return errMalformed
	}
	return errors.Join(bounds.Push(d.memory, &d.funs, f), d.use(uint64(f.name)), d.use(uint64(f.file)))
}
