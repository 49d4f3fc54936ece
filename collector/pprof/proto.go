package pprof

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorowatch/gorowatch/collector"
)

// The part of pprof's profile.proto that goroutine profiles use, read in a
// stream. github.com/google/pprof/profile, which reads all of it, took two and
// a half times as long and twice the memory, and expands each byte of a
// hostile profile to sixteen before anything can be counted.

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

// Wire types of protocol buffers.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// maxMessage is the largest part of a profile that is read at once: a
// sample, a location or a string.
const maxMessage = 4 << 20

// Labels are for display alone: of a sample so many are kept, and so many bytes
// of the key and of the value of each. The rest is left out.
const (
	maxLabels     = 64
	maxLabelBytes = 1024
)

// Strings that nothing refers to are not kept. Every writer known puts the
// strings last, so that it is known which these are. So many bytes of strings
// are kept that stand before what refers to them.
const maxEarlyStrings = 4 << 20

// maxStrings bounds the indices of strings.
const maxStrings = 1 << 24

// framesPerStack bounds the frames of a whole profile, as the average of the
// number of stacks allowed.
const framesPerStack = 64

// The parts refer to one another by ids and by indices into the table of
// strings, in any order and mostly forwards, so they are kept in compact
// form until the end.
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
	lim    Limits
	memory *account
	at     int64  // bytes read
	buf    []byte // of a message that does not fit into br

	typ       uint32 // string of the first sample type
	values    int    // number of sample types
	timeNanos int64
	samples   [][]protoSample // in parts, because a slice that grows is copied again and again
	count     int             // of samples
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
	early     int    // bytes of strings that nothing has referred to yet
	frames    int    // handed out
}

// protoString is a string, by its index.
type protoString struct {
	text    string
	used    bool // something refers to it
	leftOut bool // nothing had referred to it when it came
}

func readProto(br *bufio.Reader, lim Limits, p *collector.Profile, out emit) error {
	d := &decoder{br: br, lim: lim, memory: lim.memory}
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
	num, wire := tag>>3, tag&7
	switch wire {
	case wireVarint:
		v, err := d.varint()
		if num == profileTimeNanos {
			d.timeNanos = int64(v)
		}
		return d.wrap(unexpected(err), start)
	case wireFixed64:
		return d.wrap(d.skip(8), start)
	case wireFixed32:
		return d.wrap(d.skip(4), start)
	case wireBytes:
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
	errShort     = errors.New("it ends early") // and not because the reading failed
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

// notProfile blames the file if nothing of a profile was seen yet.
func (d *decoder) notProfile(at int64) error {
	if d.values == 0 && d.count == 0 {
		return collector.Errorf(collector.ReasonNotProfile, "binary data that is no profile (byte %d)", at)
	}
	return collector.Errorf(collector.ReasonBadData, "malformed at byte %d", at)
}

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
		if err := d.memory.charge(more); err != nil {
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

// next reads one field of a message: of a varint its value, of a nested
// message its bytes.
func next(b []byte) (num, value uint64, msg, rest []byte, err error) {
	tag, b, ok := uvarint(b)
	if !ok {
		return 0, 0, nil, nil, errMalformed
	}
	num = tag >> 3
	switch tag & 7 {
	case wireVarint:
		if value, b, ok = uvarint(b); !ok {
			return 0, 0, nil, nil, errMalformed
		}
		return num, value, nil, b, nil
	case wireBytes:
		n, b, ok := uvarint(b)
		if !ok || n > uint64(len(b)) {
			return 0, 0, nil, nil, errMalformed
		}
		return num, 0, b[:n:n], b[n:], nil
	case wireFixed64:
		if len(b) >= 8 {
			return 0, 0, nil, b[8:], nil
		}
	case wireFixed32:
		if len(b) >= 4 {
			return 0, 0, nil, b[4:], nil
		}
	}
	return 0, 0, nil, nil, errMalformed
}

// number is uvarint with an error.
func number(b []byte) (uint64, []byte, error) {
	v, rest, ok := uvarint(b)
	if !ok {
		return 0, nil, errMalformed
	}
	return v, rest, nil
}

func uvarint(b []byte) (uint64, []byte, bool) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), b[1:], true
	}
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
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
		if err := d.memory.charge(cap(part) * sampleSize); err != nil {
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
			var ok bool
			if id, msg, ok = uvarint(msg); !ok {
				return errMalformed
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
	return d.memory.charge(4 * cap(d.refs))
}

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

// newSampleChunk is an empty one for a decoder that has so many samples.
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
	return errors.Join(push(d.memory, &d.labels, l), d.use(uint64(l.key)), d.use(uint64(l.str)))
}

// locationNumber is the number of a location, whether read already or not.
func (d *decoder) locationNumber(id uint64) (uint32, error) {
	n, isNew, err := d.locIDs.number(d.memory, id)
	if isNew && err == nil {
		err = push(d.memory, &d.locs, unread)
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
				if err := push(d.memory, &d.lines, l); err != nil {
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
	return errors.Join(push(d.memory, &d.funs, f), d.use(uint64(f.name)), d.use(uint64(f.file)))
}

// use marks a string as one to keep.
func (d *decoder) use(i uint64) error {
	if i >= maxStrings {
		return nil // it is missed at the end
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
		if err := push(d.memory, &d.strs, protoString{}); err != nil {
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
	return d.memory.charge(len(b))
}

// text is the string with an index, or what is wrong with it.
func (d *decoder) text(i uint32) (string, error) {
	switch {
	case i >= d.strCount:
		return "", collector.Errorf(collector.ReasonTruncated, "string %d of %d is missing; is it complete?", i, d.strCount)
	case d.strs[i].leftOut:
		return "", collector.Errorf(collector.ReasonTooLarge, "more than %d bytes of strings stand before what refers to them", maxEarlyStrings)
	}
	return d.strs[i].text, nil
}

// profile puts the parts together.
func (d *decoder) profile(p *collector.Profile, out emit) error {
	if d.values == 0 {
		return collector.Errorf(collector.ReasonNotProfile, "a profile without a sample type (%d bytes)", d.at)
	}
	d.buf = nil
	typ, err := d.text(d.typ)
	if err != nil {
		return err
	}
	if p.Kind, err = kindByType(typ); err != nil {
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

// handout hands the samples out. Its record and the arrays behind it are used
// again, because each that is handed out would be allocated.
type handout struct {
	*decoder
	lines   []collector.Frame
	out     emit
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
		if at.from == at.to { // the program knows no name for the address
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
	h.record = collector.Record{Count: s.count, Frames: frames, Numbers: numbers, Records: h.count}
	if h.record.Labels, err = h.labelsOf(s); err != nil {
		return err
	}
	if h.decoder.frames += len(frames); h.decoder.frames > h.lim.Stacks*framesPerStack {
		return h.tooManyFrames()
	}
	return h.out(&h.record)
}

// usedLines makes a frame of each line that a sample refers to, once, and lets
// the locations refer to these. Other lines are checked alone. The last frame has
// no name, for locations without a line.
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
	if err := d.memory.charge(len(used) + (n+1)*frameSize); err != nil {
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

// labelsOf are the labels of a sample. The values of a key that is there more
// than once are joined.
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
	return labels, d.memory.charge(size)
}

// Sizes of what is kept and handed out, by estimate.
const (
	sampleSize   = 40
	frameSize    = 40
	emptyMapSize = 48
	mapEntrySize = 40
)

// cut is s without what is behind so many bytes, and without half of a
// character at its end.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// ids numbers ids in the order they are seen. Writers number from 1 without
// gaps, for which a slice does; what is denseIDs or more goes into a map.
type ids struct {
	dense  []uint32 // number + 1 by id
	sparse map[uint64]uint32
	n      uint32
}

const (
	denseIDs     = 1 << 18
	sparseIDSize = 40 // of an entry of the map, by estimate
)

func (t *ids) lookup(id uint64) (uint32, bool) {
	if id < uint64(len(t.dense)) {
		if n := t.dense[id]; n > 0 {
			return n - 1, true
		}
		return 0, false
	}
	n, ok := t.sparse[id]
	return n, ok
}

func (t *ids) number(memory *account, id uint64) (n uint32, isNew bool, err error) {
	if n, ok := t.lookup(id); ok {
		return n, false, nil
	}
	n = t.n
	t.n++
	if id < denseIDs {
		if more := int(id) + 1 - len(t.dense); more > 0 {
			before := cap(t.dense)
			t.dense = append(t.dense, make([]uint32, more)...)
			err = memory.charge(4 * (cap(t.dense) - before))
		}
		t.dense[id] = n + 1
		return n, true, err
	}
	if t.sparse == nil {
		t.sparse = map[uint64]uint32{}
	}
	t.sparse[id] = n
	return n, true, memory.charge(sparseIDSize)
}

// kindByType tells goroutine profiles from others by the type of their first
// value.
func kindByType(typ string) (collector.ProfileKind, error) {
	var name string
	switch typ {
	case "goroutine", "goroutines":
		return collector.KindGoroutine, nil
	case "goroutineleak":
		return collector.KindGoroutineLeak, nil
	case "alloc_objects", "alloc_space", "inuse_objects", "inuse_space":
		name = "a heap profile"
	case "samples", "cpu":
		name = "a CPU profile"
	case "contentions", "delay":
		name = "a mutex or block profile"
	case "threadcreate":
		name = "a threadcreate profile"
	default:
		return "", collector.Errorf(collector.ReasonNotProfile, "that is a profile of %.60q, not a goroutine profile", typ)
	}
	return "", collector.Errorf(collector.ReasonNotProfile, "that is %s, not a goroutine profile", name)
}
