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

	"github.com/gorowatch/gorowatch/collector"
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

// maxPart bounds the bytes of one part of an answer: a series, a target, a text,
// or what is skipped. A part is in memory at a time.
const maxPart = 4 << 20

// What is kept of the texts of an answer.
const (
	maxText     = 500 // bytes of each
	maxWarnings = 10
)

// maxSeconds bounds times, so that they fit into milliseconds.
const maxSeconds = 1e12

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
	body := newTracked(r)
	d := newDecoder(body)
	var a answer
	err := d.object(func(key string) (err error) {
		switch key {
		case "status":
			a.status, err = d.text()
		case "errorType":
			a.errorType, err = d.brief()
		case "error":
			a.err, err = d.brief()
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
	return a, body.problem(err, &a)
}

// tracked keeps the error that has ended a body, unless it was its end, and
// bounds its parts.
type tracked struct {
	r    io.Reader
	err  error
	n    int64 // bytes read
	left int   // bytes that the part may still have
	web  bool  // it begins as a web page does
}

func newTracked(r io.Reader) *tracked { return &tracked{r: r, left: maxPart} }

// part begins the next part of the body.
func (t *tracked) part() { t.left = maxPart }

func (t *tracked) Read(p []byte) (int, error) {
	if t.left <= 0 {
		t.err = collector.Errorf(collector.ReasonTooLarge, "one series or text of its answer has more than %d MiB: leave it out with prometheus.selector, or limit its labels where it is scraped", maxPart>>20)
		return 0, t.err
	}
	n, err := t.r.Read(p[:min(len(p), t.left)])
	if t.n == 0 && n > 0 {
		t.web = bytes.HasPrefix(bytes.TrimLeft(p[:n], " \t\r\n\xef\xbb\xbf"), []byte("<"))
	}
	t.n += int64(n)
	t.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		t.err = err
	}
	return n, err
}

// problem is why an answer is none, by what has ended the reading of it.
func (t *tracked) problem(err error, a *answer) error {
	switch {
	case t.err != nil:
		return t.err
	case t.n == 0:
		return errEmpty
	case t.web:
		return errWebPage
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err == nil && a.status == "":
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: it is cut off, or has no status")
	case err != nil:
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: not JSON as expected: %s", collector.Brief(err.Error(), maxText))
	}
	return nil
}

// decoder reads an answer token by token. The first error ends it.
type decoder struct {
	*jsontext.Decoder
	body    *tracked
	series  func(metric []byte) *[]point
	pending []point // of a series whose labels come last
}

// newDecoder makes a decoder that is as lenient as servers are: a name may come
// twice, and invalid UTF-8 is read as the replacement character.
func newDecoder(body *tracked) *decoder {
	return &decoder{
		Decoder: jsontext.NewDecoder(body, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		body:    body,
	}
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

// array calls element before each element of an array, which is a part of the
// body. A value of another kind is skipped.
func (d *decoder) array(element func() error) error {
	if d.PeekKind() != jsontext.KindBeginArray {
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != jsontext.KindEndArray {
		d.body.part()
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

// brief reads a text for people, of which the beginning is kept.
func (d *decoder) brief() (string, error) {
	s, err := d.text()
	return collector.Brief(s, maxText), err
}

func (d *decoder) texts() (out []string, err error) {
	err = d.array(func() error {
		s, err := d.brief()
		if len(out) < maxWarnings {
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// labels reads a map of labels, but for the name of a series. A value that is not
// UTF-8 stays as it is, so that the caller sees it.
func (d *decoder) labels() (labels.Labels, error) {
	b := labels.NewScratchBuilder(16)
	err := d.object(func(name string) error {
		if d.PeekKind() != jsontext.KindString {
			return d.SkipValue()
		}
		text, err := d.ReadValue()
		if err != nil {
			return err
		}
		value, err := jsontext.AppendUnquote(nil, text)
		if err != nil {
			value = text
		}
		if name != labels.MetricName && len(value) > 0 {
			b.Add(name, string(value))
		}
		return nil
	})
	b.Sort()
	return b.Labels(), err
}

func (d *decoder) data(a *answer) error {
	return d.object(func(key string) (err error) {
		switch key {
		case "resultType":
			a.kind, err = d.brief()
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
	if ok = ok && isNumber(err) && u.skip('"'); math.Abs(seconds) < maxSeconds {
		p.t = int64(math.Round(seconds * 1000))
	} else {
		p.t = math.MinInt64 // which no window has
	}
	p.v, err = strconv.ParseFloat(string(u.until('"')), 64)
	if !ok || !isNumber(err) || !u.skip(']') {
		return p, fmt.Errorf("%.60q is not a point [time, \"value\"]", was)
	}
	return p, nil
}

// isNumber tells whether what was parsed is a number, be it one that is too
// large.
func isNumber(err error) bool { return err == nil || errors.Is(err, strconv.ErrRange) }

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
