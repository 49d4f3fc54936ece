package protobuf

import (
	"bufio"
	"errors"
	"io"
	"math"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof/bounds"
	"google.golang.org/protobuf/encoding/protowire"
)

// The parts refer to one another by ids and by indices into the table of strings, in any order
// and mostly forwards, so they are kept in compact form until the end.
type (
	protoSample struct {
		count  int64
		locs   []uint32 // as numbered by decoder.locIDs
		labels span     // of decoder.labels
	}
	protoLine struct {
		function uint64 // id
		line     int64
	}
	protoFunction struct{ name, file uint32 }
	protoLabel    struct{ key, str uint32 }
	span          struct{ from, to uint32 }
)

type decoder struct {
	br     *bufio.Reader
	lim    bounds.Limits
	memory *bounds.Account
	at     int64  // bytes read
	buf    []byte // of a message that does not fit into br

	typ       uint32 // string of the first sample type
	values    int    // number of sample types
	timeNanos int64
	samples   [][]protoSample // in parts, because a slice that grows is copied again and again
	count     int             // of samples
	inUse     []bool          // whether a sample has objects in use, for a heap profile
	refs      []uint32        // where the locations of samples are put, one after the other
	chunks    []*refChunk     // arrays of refs
	refCount  int
	labels    []protoLabel
	locIDs    ids
	locs      []span // of lines, by number
	lines     []protoLine
	funIDs    ids
	funs      []protoFunction
	strs      []protoString
	strCount  uint32 // of the table, kept or not
	early     int    // bytes of strings that nothing has referred to so far
	frames    int    // handed out
}

// Read reads a profile and passes its samples to out. The record, and the arrays behind it, are
// used again for the next one.
func Read(br *bufio.Reader, lim bounds.Limits, memory *bounds.Account, p *collector.Profile, out func(*collector.Record) error) error {
	d := &decoder{br: br, lim: lim, memory: memory}
	defer d.release()
	for {
		err := d.field()
		if errors.Is(err, io.EOF) {
			return d.profile(p, out)
		}
		if err != nil {
			return err
		}
	}
}

// field reads one field of the profile.
func (d *decoder) field() error {
	start := d.at
	tag, err := d.varint()
	if err != nil {
		if errors.Is(err, io.EOF) && d.at > start {
			err = errShort
		}
		return d.wrap(err, start)
	}
	num := tag >> 3
	switch protowire.Type(tag & 7) {
	case protowire.VarintType:
		v, err := d.varint()
		if num == profileTimeNanos {
			d.timeNanos = int64(v)
		}
		return d.wrap(unexpected(err), start)
	case protowire.Fixed64Type:
		return d.wrap(d.skip(8), start)
	case protowire.Fixed32Type:
		return d.wrap(d.skip(4), start)
	case protowire.BytesType:
	default:
		return d.notProfile(start)
	}
	n, err := d.varint()
	if err != nil {
		return d.wrap(unexpected(err), start)
	}
	switch num {
	case profileSampleType, profileSample, profileLocation, profileFunction, profileStringTable:
	default:
		if n > math.MaxInt64 {
			return d.notProfile(start)
		}
		return d.wrap(d.skip(int64(n)), start)
	}
	msg, err := d.message(n)
	if err != nil {
		return d.wrap(err, start)
	}
	switch num {
	case profileSampleType:
		err = d.sampleType(msg)
	case profileSample:
		err = d.sample(msg)
	case profileLocation:
		err = d.location(msg)
	case profileFunction:
		err = d.function(msg)
	case profileStringTable:
		err = d.str(msg)
	}
	return d.wrap(err, start)
}

var (
	errMalformed = errors.New("malformed")
	errShort     = errors.New("it ends early") // the profile itself, not the reading
)

// wrap adds the place to an error.
func (d *decoder) wrap(err error, at int64) error {
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.As(err, new(*collector.Error)):
		return err
	case errors.Is(err, errShort) && d.values > 0:
		return collector.Errorf(collector.ReasonTruncated, "it ends at byte %d within what begins at byte %d", d.at, at)
	case errors.Is(err, errMalformed), errors.Is(err, errShort):
		return d.notProfile(at)
	}
	return err
}

// notProfile blames the file if it had nothing of a profile so far.
func (d *decoder) notProfile(at int64) error {
	if d.values == 0 && d.count == 0 {
		return collector.Errorf(collector.ReasonNotProfile, "binary data that is no profile (byte %d)", at)
	}
	return collector.Errorf(collector.ReasonBadData, "malformed at byte %d", at)
}

func (d *decoder) sampleType(b []byte) error {
	d.values++
	for len(b) > 0 {
		num, v, _, rest, err := next(b)
		if err != nil {
			return err
		}
		if num == valueTypeType && d.values == 1 {
			if v > math.MaxInt32 {
				return errMalformed
			}
			d.typ = uint32(v)
			if err := d.use(v); err != nil {
				return err
			}
		}
		b = rest
	}
	return nil
}
