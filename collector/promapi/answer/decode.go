package answer

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/points"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// Decode reads an answer of the query API as it arrives. With ten thousand series it has
// megabytes every minute, and only the values differ from the answer before. So Decode
// allocates nothing for a series itself. It calls series with the labels as written, which are
// valid until series returns. series returns where the points go; nil: nowhere.
//
// series may have been called before an error.
func Decode(r io.Reader, series func(metric []byte) *[]points.Point) (Answer, error) {
	return read(r, func(d *decoder, a *Answer) error {
		d.series = series
		return d.data(a)
	})
}

// decoder reads an answer token by token. The first error ends it.
type decoder struct {
	*jsontext.Decoder
	body    *boundedBody
	series  func(metric []byte) *[]points.Point
	pending []points.Point // of a series whose labels come last
}

// newDecoder makes a decoder that accepts what servers write: names that occur twice, and
// invalid UTF-8, which it reads as the replacement character.
func newDecoder(body *boundedBody) *decoder {
	return &decoder{
		Decoder: jsontext.NewDecoder(body, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		body:    body,
	}
}

// object calls member for each member of an object, after it has read the name. It skips a
// value of another kind.
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

// array calls element before each element of an array, which is a part of the body. It
// skips a value of another kind.
func (d *decoder) array(element func() error) error {
	if d.PeekKind() != jsontext.KindBeginArray {
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != jsontext.KindEndArray {
		d.body.beginPart()
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// text reads a string. It skips a value of another kind.
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

// shortText reads a text for people and keeps its beginning.
func (d *decoder) shortText() (string, error) {
	s, err := d.text()
	return collector.Brief(s, maxText), err
}

// shortTexts reads a list of texts for people and keeps the first ones.
func (d *decoder) shortTexts() (out []string, err error) {
	err = d.array(func() error {
		s, err := d.shortText()
		if len(out) < MaxWarnings {
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// labels reads a map of labels as the name of the metric and the labels of the instance. A
// value that is not UTF-8 stays as it is, so that the caller sees it.
func (d *decoder) labels() (metric string, ls labels.Labels, err error) {
	b := labels.NewScratchBuilder(16)
	err = d.object(func(name string) error {
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
		switch {
		case name == labels.MetricName:
			metric = string(value)
		case len(value) > 0 && !signals.IsScope(name):
			b.Add(name, string(value))
		}
		return nil
	})
	b.Sort()
	return metric, b.Labels(), err
}

// data reads the member data of a query: the series and their kind.
func (d *decoder) data(a *Answer) error {
	return d.object(func(key string) (err error) {
		switch key {
		case "resultType":
			a.Kind, err = d.shortText()
		case "result":
			// The elements of a scalar are no objects. The caller checks the kind.
			err = d.array(d.oneSeries)
		default:
			err = d.SkipValue()
		}
		return err
	})
}

// oneSeries reads a series.
func (d *decoder) oneSeries() error {
	known := false
	var into *[]points.Point
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
			*to, err = points.Append(*to, text)
			return err
		}
		return d.SkipValue()
	})
}

// Labels returns the name of the metric of a series and the labels of its instance, from its
// labels as written in JSON.
func Labels(text []byte) (metric string, ls labels.Labels) {
	metric, ls, err := newDecoder(newBoundedBody(bytes.NewReader(text))).labels()
	if err != nil {
		return "", labels.EmptyLabels() // impossible: the text was read once without an error
	}
	return metric, ls
}
