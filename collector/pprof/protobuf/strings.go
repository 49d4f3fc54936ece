package protobuf

import (
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
)

// Strings that nothing refers to are not kept. Every known writer puts the strings last, so the
// decoder knows which these are. This bounds the strings that come before what refers to them.
const maxEarlyStrings = 4 << 20

// maxStrings bounds the indices of strings.
const maxStrings = 1 << 24

// protoString is a string, by its index.
type protoString struct {
	text    string
	used    bool // something refers to it
	leftOut bool // nothing had referred to it when it arrived
}

// use marks a string that is needed.
func (d *decoder) use(i uint64) error {
	if i >= maxStrings {
		return nil // its absence is noticed at the end
	}
	if err := d.growStrs(int(i)); err != nil {
		return err
	}
	d.strs[i].used = true
	return nil
}

// growStrs makes room for the string with index i.
func (d *decoder) growStrs(i int) error {
	for len(d.strs) <= i {
		if err := bounds.Push(d.memory, &d.strs, protoString{}); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) str(b []byte) error {
	i := int(d.strCount)
	if i >= maxStrings {
		return collector.Errorf(collector.ReasonTooLarge, "more than %d strings (byte %d)", maxStrings, d.at)
	}
	d.strCount++
	if err := d.growStrs(i); err != nil {
		return err
	}
	if s := &d.strs[i]; !s.used {
		if d.early+len(b) > maxEarlyStrings {
			s.leftOut = true
			return nil
		}
		d.early += len(b)
	}
	d.strs[i].text = string(b)
	return d.memory.Charge(len(b))
}

// text returns the string with an index, or an error.
func (d *decoder) text(i uint32) (string, error) {
	switch {
	case i >= d.strCount:
		return "", collector.Errorf(collector.ReasonTruncated, "string %d of %d is missing; is it complete?", i, d.strCount)
	case d.strs[i].leftOut:
		return "", collector.Errorf(collector.ReasonTooLarge, "more than %d bytes of strings stand before what refers to them", maxEarlyStrings)
	}
	return d.strs[i].text, nil
}
