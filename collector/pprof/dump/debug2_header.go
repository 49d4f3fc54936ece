package dump

import (
	"bytes"
	"math"
	"strconv"
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

func (d *dump) header(line []byte) error {
	rest := line[len(headerLead):]
	i := 0
	var id uint64
	for ; i < len(rest) && rest[i] >= '0' && rest[i] <= '9'; i++ {
		digit := uint64(rest[i] - '0')
		if id > (math.MaxUint64-digit)/10 {
			return collector.Errorf(collector.ReasonBadData, "line %d: the id of a goroutine overflows", d.in.n)
		}
		id = id*10 + digit
	}
	if bytes.HasPrefix(rest[i:], []byte(" gp=0x")) {
		d.crash = true
	}
	apart := d.between
	d.between = false
	if id == 0 { // of a thread, not of the program
		d.crash = true
		return nil
	}
	rest = rest[bytes.IndexByte(rest, '[')+1:]
	d.open, d.id, d.creator, d.wait, d.labels, d.frames, d.pending, d.skip = true, id, 0, 0, d.labels[:0], 0, 0, false
	d.half = d.half[:0]
	d.gap, d.unavailable, d.apart = false, false, apart

	state, rest := headerPart(rest)
	leaked := false
	for {
		if s, ok := bytes.CutSuffix(state, []byte(" (leaked)")); ok {
			state, leaked = s, true
		} else if s, ok := bytes.CutSuffix(state, []byte(" (scan)")); ok {
			state = s
		} else {
			break
		}
	}
	d.key = append(d.key[:0], state...)
	if leaked {
		d.key = append(d.key, leakedMark)
	}
	d.key = append(d.key, '\n')
	for len(rest) > 0 && rest[0] == ',' {
		var part []byte
		part, rest = headerPart(bytes.TrimPrefix(rest[1:], []byte(" ")))
		if n, ok := bytes.CutSuffix(part, []byte(" minutes")); ok {
			minutes, err := strconv.ParseInt(string(n), 10, 64)
			if err != nil || minutes < 0 || minutes > math.MaxInt64/int64(time.Minute) {
				return collector.Errorf(collector.ReasonBadData, "line %d: %q is no waiting time", d.in.n, FirstLine(part))
			}
			d.wait = time.Duration(minutes) * time.Minute
		}
	}
	for _, lead := range [][]byte{afterLead, labelsLead} {
		if l, ok := bytes.CutPrefix(rest, lead); ok {
			d.labels = append(append(d.labels, '{'), l...)
		}
	}
	if d.lim.SplitBy != "" {
		value, has := parseLabels(d.labels)[d.lim.SplitBy]
		d.key = append(d.key[:len(d.key)-1], splitMark)
		if has {
			d.key = strconv.AppendQuote(d.key, value)
		}
		d.key = append(d.key, '\n')
	}
	return nil
}

// headerPart cuts off the text before the next comma, bracket or labels.
func headerPart(b []byte) (part, rest []byte) {
	for i, c := range b {
		if c == ',' || c == ']' || c == ' ' && bytes.HasPrefix(b[i:], labelsLead) {
			return b[:i], b[i:]
		}
	}
	return b, nil
}
