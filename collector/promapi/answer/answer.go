package answer

import (
	"bytes"
	"errors"
	"io"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/apierror"
)

// Answer is the part of an answer besides its series.
type Answer struct {
	Status    string
	ErrorType string
	Err       string
	Kind      string // of the result
	Warnings  []string
	Infos     []string
}

// MaxPart bounds the bytes of one part of an answer: a series, a target, a text, or skipped
// data. One part is in memory at a time.
const MaxPart = 4 << 20

// Limits of the texts of an answer.
const (
	maxText     = apierror.MaxText // bytes of each
	MaxWarnings = 10
)

// read reads an answer of the API. data reads its member data.
func read(r io.Reader, data func(*decoder, *Answer) error) (Answer, error) {
	body := newBoundedBody(r)
	d := newDecoder(body)
	var a Answer
	err := d.object(func(key string) (err error) {
		switch key {
		case "status":
			a.Status, err = d.text()
		case "errorType":
			a.ErrorType, err = d.shortText()
		case "error":
			a.Err, err = d.shortText()
		case "warnings":
			a.Warnings, err = d.shortTexts()
		case "infos":
			a.Infos, err = d.shortTexts()
		case "data":
			err = data(d, &a)
		default:
			err = d.SkipValue()
		}
		return err
	})
	return a, body.explain(err, &a)
}

// boundedBody is the body of an answer with bounded parts. It keeps the error that ended it,
// unless that was the end of the body.
type boundedBody struct {
	r    io.Reader
	err  error
	n    int64 // bytes read
	left int   // bytes left for the part
	web  bool  // it looks like a web page
}

func newBoundedBody(r io.Reader) *boundedBody { return &boundedBody{r: r, left: MaxPart} }

// beginPart begins the next part of the body.
func (t *boundedBody) beginPart() { t.left = MaxPart }

func (t *boundedBody) Read(p []byte) (int, error) {
	if t.left <= 0 {
		t.err = collector.Errorf(collector.ReasonTooLarge, "one series or text of its answer has more than %d MiB: leave it out with prometheus.selector, or limit its labels where it is scraped", MaxPart>>20)
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

// explain says why a body is no answer, from the error that ended the reading.
func (t *boundedBody) explain(err error, a *Answer) error {
	switch {
	case t.err != nil:
		return t.err
	case t.n == 0:
		return apierror.ErrEmpty
	case t.web:
		return apierror.ErrWebPage
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err == nil && a.Status == "":
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: it is cut off, or has no status")
	case err != nil:
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: not JSON as expected: %s", collector.Brief(err.Error(), maxText))
	}
	return nil
}
