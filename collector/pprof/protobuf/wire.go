package protobuf

import (
	"errors"
	"io"
	"math"

	"github.com/gorowatch/gorowatch/collector"
	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of profile.proto.
const (
	profileSampleType  = 1
	profileSample      = 2
	profileLocation    = 4
	profileFunction    = 5
	profileStringTable = 6
	profileTimeNanos   = 9

	valueTypeType = 1

	sampleLocationID = 1
	sampleValue      = 2
	sampleLabel      = 3

	labelKey = 1
	labelStr = 2

	locationID   = 1
	locationLine = 4

	lineFunctionID = 1
	lineLine       = 2

	functionID       = 1
	functionName     = 2
	functionFilename = 4
)

// maxMessage is the largest part of a profile that is read at once: a
// sample, a location or a string.
const maxMessage = 4 << 20

func (d *decoder) varint() (uint64, error) {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b, err := d.br.ReadByte()
		if err != nil {
			return 0, err
		}
		d.at++
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, nil
		}
	}
	return 0, errMalformed
}

func (d *decoder) skip(n int64) error {
	for n > 0 {
		m, err := d.br.Discard(int(min(n, math.MaxInt32)))
		d.at += int64(m)
		n -= int64(m)
		if err != nil {
			return unexpected(err)
		}
	}
	return nil
}

// message reads the next n bytes, valid until the next call.
func (d *decoder) message(n uint64) ([]byte, error) {
	if n > maxMessage {
		if n > math.MaxInt64 {
			return nil, errMalformed
		}
		return nil, collector.Errorf(collector.ReasonTooLarge, "a part of %d bytes at byte %d, more than %d", n, d.at, maxMessage)
	}
	if int(n) <= d.br.Size() {
		b, err := d.br.Peek(int(n))
		d.at += int64(len(b))
		if err != nil {
			return nil, unexpected(err)
		}
		_, err = d.br.Discard(int(n))
		return b, err
	}
	if more := int(n) - cap(d.buf); more > 0 {
		if err := d.memory.Charge(more); err != nil {
			return nil, err
		}
		d.buf = make([]byte, n)
	}
	for at := 0; at < int(n); {
		m, err := d.br.Read(d.buf[at:n])
		d.at += int64(m)
		at += m
		if err != nil {
			return nil, unexpected(err)
		}
	}
	return d.buf[:n], nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return errShort
	}
	return err
}

// next reads one field of a message: the value of a varint, or the bytes of a nested message. A
// field of another type has number 0.
func next(b []byte) (num, value uint64, msg, rest []byte, err error) {
	tag, b, err := number(b)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	switch num = tag >> 3; protowire.Type(tag & 7) {
	case protowire.VarintType:
		value, b, err = number(b)
		return num, value, nil, b, err
	case protowire.BytesType:
		if v, n := protowire.ConsumeBytes(b); n >= 0 {
			return num, 0, v[:len(v):len(v)], b[n:], nil
		}
	case protowire.Fixed64Type:
		if _, n := protowire.ConsumeFixed64(b); n >= 0 {
			return 0, 0, nil, b[n:], nil
		}
	case protowire.Fixed32Type:
		if _, n := protowire.ConsumeFixed32(b); n >= 0 {
			return 0, 0, nil, b[n:], nil
		}
	}
	return 0, 0, nil, nil, errMalformed
}

// number reads a varint. Nearly all of them have one byte and take no call.
func number(b []byte) (uint64, []byte, error) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), b[1:], nil
	}
	v, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return 0, nil, errMalformed
	}
	return v, b[n:], nil
}
