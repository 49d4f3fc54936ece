package promapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/prometheus/model/labels"
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

// decode reads an answer of the query API while it comes: with ten thousand
// series it is megabytes, every minute, of which all but the values is the same
// each time. So nothing is made of a series but what series makes: it is given
// the labels as they are written, valid until it returns, and tells where the
// points go; nil: nowhere.
//
// After an error, some series may have been given already.
func decode(r io.Reader, series func(metric []byte) *[]point) (answer, error) {
	return readAnswer(r, func(d *decoder, a *answer) error {
		d.series = series
		return d.data(a)
	})
}

// readAnswer reads an answer of the API; data reads what is of its own.
func readAnswer(r io.Reader, data func(*decoder, *answer) error) (answer, error) {
	body := &tracked{r: r}
	d := newDecoder(body)
	var a answer
	err := d.object(func(key string) (err error) {
		switch key {
		case "status":
			a.status, err = d.text()
		case "errorType":
			a.errorType, err = d.text()
		case "error":
			a.err, err = d.text()
		case "warnings":
			a.warnings, err = d.texts()
		case "infos":
			a.infos, err = d.texts()
		case "data":
			err = data(d, &a)
		default:
			err = d.SkipValue()
		}
		return err
	})
	switch {
	case body.err != nil:
		return a, body.err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err == nil && a.status == "":
		return a, errors.New("it ends before its time, or has no status")
	case err != nil:
		return a, fmt.Errorf("not JSON as expected: %w", err)
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

// decoder reads an answer token by token. The first error ends it.
type decoder struct {
	*jsontext.Decoder
	series  func(metric []byte) *[]point
	pending []point // of a series whose labels come last
}

// newDecoder makes a decoder that is as lenient as servers are: a name may come
// twice, and invalid UTF-8 is read as the replacement character.
func newDecoder(r io.Reader) *decoder {
	return &decoder{Decoder: jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
}

// object calls member for each member of an object, after its name was read. A
// value of another kind is skipped.
func (d *decoder) object(member func(key string) error) error {
	if d.PeekKind() != jsontext.KindBeginObject {
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != jsontext.KindEndObject {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// array calls element before each element of an array. A value of another kind
// is skipped.
func (d *decoder) array(element func() error) error {
	if d.PeekKind() != jsontext.KindBeginArray {
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != jsontext.KindEndArray {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// text reads a string; a value of another kind is skipped.
func (d *decoder) text() (string, error) {
	if d.PeekKind() != jsontext.KindString {
		return "", d.SkipValue()
	}
	token, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	return token.String(), nil
}

func (d *decoder) texts() (out []string, err error) {
	err = d.array(func() error {
		s, err := d.text()
		out = append(out, s)
		return err
	})
	return out, err
}

// labels reads a map of labels, but for the name of a series.
func (d *decoder) labels() (labels.Labels, error) {
	b := labels.NewScratchBuilder(16)
	err := d.object(func(name string) error {
		value, err := d.text()
		if name != labels.MetricName && value != "" {
			b.Add(name, value)
		}
		return err
	})
	b.Sort()
	return b.Labels(), err
}

func (d *decoder) data(a *answer) error {
	return d.object(func(key string) (err error) {
		switch key {
		case "resultType":
			a.kind, err = d.text()
		case "result":
			// The elements of a scalar are no objects: the caller sees it by its kind.
			err = d.array(d.one)
		default:
			err = d.SkipValue()
		}
		return err
	})
}

// one reads a series.
func (d *decoder) one() error {
	known := false
	var into *[]point
	d.pending = d.pending[:0]
	return d.object(func(key string) error {
		switch {
		case key == "metric":
			metric, err := d.ReadValue()
			if err != nil {
				return err
			}
			into, known = d.series(metric), true
			if into != nil {
				*into = append(*into, d.pending...)
			}
			return nil
		case key == "values" && known && into == nil:
			return d.SkipValue()
		case key == "values":
			to := into
			if !known {
				to = &d.pending
			}
			text, err := d.ReadValue()
			if err != nil {
				return err
			}
			*to, err = appendPoints(*to, text)
			return err
		}
		return d.SkipValue()
	})
}

// appendPoints reads [[1700000000.123,"42"],…], which is valid JSON.
func appendPoints(to []point, text []byte) ([]point, error) {
	rest := unread(text)
	if !rest.skip('[') || rest.skip(']') {
		return to, nil // no points, or of another kind
	}
	for {
		p, n := wholePoint(rest)
		if n == 0 {
			var err error
			if p, err = rest.point(); err != nil {
				return to, err
			}
		}
		rest = rest[n:]
		to = append(to, p)
		if !rest.skip(',') {
			return to, nil
		}
	}
}

// unread is what is left of a text.
type unread []byte

// point reads [1700000000.123,"42"].
func (u *unread) point() (p point, err error) {
	was := *u
	ok := u.skip('[')
	seconds, err := strconv.ParseFloat(string(bytes.TrimSpace(u.until(','))), 64)
	p.t = int64(math.Round(seconds * 1000))
	ok = ok && err == nil && u.skip('"')
	p.v, err = strconv.ParseFloat(string(u.until('"')), 64)
	if !ok || err != nil || !u.skip(']') {
		return p, fmt.Errorf("%.60q is not a point [time, \"value\"]", was)
	}
	return p, nil
}

// skip passes over b, and white space before it, if b comes next.
func (u *unread) skip(b byte) bool {
	if t := *u; len(t) > 0 && t[0] == b {
		*u = t[1:]
		return true
	}
	t := bytes.TrimLeft(*u, " \t\r\n")
	if len(t) == 0 || t[0] != b {
		return false
	}
	*u = t[1:]
	return true
}

// until reads up to an end, and passes over it.
func (u *unread) until(end byte) []byte {
	before, after, _ := bytes.Cut(*u, []byte{end})
	*u = after
	return before
}

// wholePoint reads a point at the start of text whose time and value are whole
// numbers, as counts at aligned times are, in n bytes; n is 0 for any other. It is
// what makes reading a long history fast.
func wholePoint(text []byte) (p point, n int) {
	const digits = 15 // that surely fit
	if len(text) == 0 || text[0] != '[' {
		return p, 0
	}
	i := 1
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		p.t = p.t*10 + int64(text[i]-'0')
	}
	if i == 1 || i > 1+digits || i+1 >= len(text) || text[i] != ',' || text[i+1] != '"' {
		return p, 0
	}
	i += 2
	first, v := i, int64(0)
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		v = v*10 + int64(text[i]-'0')
	}
	if i == first || i > first+digits || i+1 >= len(text) || text[i] != '"' || text[i+1] != ']' {
		return p, 0
	}
	p.t, p.v = p.t*1000, float64(v)
	return p, i + 2
}
