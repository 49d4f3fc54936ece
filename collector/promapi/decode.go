package promapi

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	jsoniter "github.com/json-iterator/go"
)

// point is a value at a time in Unix milliseconds.
type point struct {
	t int64
	v float64
}

// answer is what an answer says besides its series.
type answer struct {
	status    string
	errorType string
	err       string
	kind      string // of the result
	warnings  []string
	infos     []string
}

// bufferSize is how much of an answer is in memory at a time.
const bufferSize = 64 << 10

// decode reads an answer of the query API while it comes: with ten thousand
// series it is megabytes, every minute, of which all but the values is the same
// each time. So nothing is made of a series but what series makes: it is given
// the labels as they are written, valid until it returns, and tells where the
// points go; nil: nowhere.
//
// After an error, some series may have been given already.
func decode(r io.Reader, series func(metric []byte) *[]point) (answer, error) {
	body := &tracked{r: r}
	it := jsoniter.Parse(jsoniter.ConfigDefault, body, bufferSize)
	var a answer
	d := decoder{it: it, series: series, metric: make([]byte, 0, 512)}
	it.ReadObjectCB(func(it *jsoniter.Iterator, key string) bool {
		switch key {
		case "status":
			a.status = it.ReadString()
		case "errorType":
			a.errorType = it.ReadString()
		case "error":
			a.err = it.ReadString()
		case "warnings":
			a.warnings = texts(it)
		case "infos":
			a.infos = texts(it)
		case "data":
			d.data(&a)
		default:
			it.Skip()
		}
		return it.Error == nil
	})
	switch {
	case body.err != nil:
		return a, body.err
	case it.Error != nil && !errors.Is(it.Error, io.EOF):
		return a, fmt.Errorf("not JSON as expected: %w", it.Error)
	case a.status == "":
		return a, errors.New("it ends before its time, or has no status")
	}
	return a, nil
}

// tracked keeps the error that has ended a body, unless it was its end.
type tracked struct {
	r   io.Reader
	err error
}

func (t *tracked) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}

func texts(it *jsoniter.Iterator) (out []string) {
	if it.WhatIsNext() != jsoniter.ArrayValue {
		it.Skip()
		return nil
	}
	it.ReadArrayCB(func(it *jsoniter.Iterator) bool {
		out = append(out, it.ReadString())
		return it.Error == nil
	})
	return out
}

type decoder struct {
	it      *jsoniter.Iterator
	series  func(metric []byte) *[]point
	metric  []byte
	pending []point // of a series whose labels come last
}

func (d *decoder) data(a *answer) {
	if d.it.WhatIsNext() != jsoniter.ObjectValue {
		d.it.Skip()
		return
	}
	d.it.ReadObjectCB(func(it *jsoniter.Iterator, key string) bool {
		switch {
		case key == "resultType":
			a.kind = it.ReadString()
		case key == "result" && it.WhatIsNext() == jsoniter.ArrayValue:
			it.ReadArrayCB(func(it *jsoniter.Iterator) bool {
				if it.WhatIsNext() == jsoniter.ObjectValue {
					d.one()
				} else {
					it.Skip() // a scalar: the caller sees it by its kind
				}
				return it.Error == nil
			})
		default:
			it.Skip()
		}
		return it.Error == nil
	})
}

// one reads a series.
func (d *decoder) one() {
	known := false
	var into *[]point
	d.pending = d.pending[:0]
	d.it.ReadObjectCB(func(it *jsoniter.Iterator, key string) bool {
		switch {
		case key == "metric":
			d.metric = it.SkipAndAppendBytes(d.metric[:0])
			into, known = d.series(d.metric), true
			if into != nil {
				*into = append(*into, d.pending...)
			}
		case key == "values" && known && into == nil:
			it.Skip()
		case key == "values":
			to := into
			if !known {
				to = &d.pending
			}
			it.ReadArrayCB(func(it *jsoniter.Iterator) bool {
				p, ok := d.point()
				if ok {
					*to = append(*to, p)
				}
				return it.Error == nil
			})
		default:
			it.Skip()
		}
		return it.Error == nil
	})
}

// point reads [1700000000.123,"42"].
func (d *decoder) point() (p point, ok bool) {
	it := d.it
	if !it.ReadArray() {
		return p, false
	}
	p.t = int64(math.Round(it.ReadFloat64() * 1000))
	if !it.ReadArray() {
		return p, false
	}
	text := it.ReadStringAsSlice()
	if p.v, ok = small(text); !ok {
		v, err := strconv.ParseFloat(string(text), 64)
		if err != nil && it.Error == nil {
			it.ReportError("value", "is not a number")
			return p, false
		}
		p.v = v
	}
	for it.ReadArray() {
		it.Skip()
	}
	return p, it.Error == nil
}

// small reads the numbers that counts are: whole and not negative.
func small(text []byte) (float64, bool) {
	if len(text) == 0 || len(text) > 15 {
		return 0, false
	}
	n := int64(0)
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return float64(n), true
}
