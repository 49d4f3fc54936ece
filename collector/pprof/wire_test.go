package pprof

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of profile.proto, separate from those of the decoder: with shared numbers, the
// tests would miss a wrong one.
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

// wire writes protocol buffers, valid or not.
type wire []byte

func (w wire) num(field int, v uint64) wire {
	return binary.AppendUvarint(binary.AppendUvarint(w, protowire.EncodeTag(protowire.Number(field), protowire.VarintType)), v)
}

func (w wire) msg(field int, b []byte) wire {
	w = binary.AppendUvarint(binary.AppendUvarint(w, protowire.EncodeTag(protowire.Number(field), protowire.BytesType)), uint64(len(b)))
	return append(w, b...)
}

func (w wire) text(s string) wire { return w.msg(profileStringTable, []byte(s)) }

// The strings that all hostile profiles begin with.
const (
	goroutineString = 1 + iota
	keyString
	valueString
)

func begin(value string) wire {
	w := wire{}.msg(profileSampleType, wire{}.num(valueTypeType, goroutineString))
	return w.text("").text("goroutine").text("key").text(value)
}

// one makes a sample of one goroutine with additional fields.
func one(rest []byte) wire {
	return wire{}.msg(profileSample, append(wire{}.num(sampleValue, 1), rest...))
}
