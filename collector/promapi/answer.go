package promapi

import (
	"bytes"
	"errors"
	"io"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/apierror"
)

// answer is the part of an answer besides its series.
type answer struct {
	status    string
	errorType string
	err       string
	kind      string // of the result
	warnings  []string
	infos     []string
}

// maxPart bounds the bytes of one part of an answer: a series, a target, a text, or what
// is skipped. One part is in memory at a time.
const maxPart = 4 << 20

// Limits of the texts of an answer.
const (
	maxText     = apierror.MaxText // bytes of each
	maxWarnings = 10
)

// readAnswer reads an answer of the API. data reads its member data.
func readAnswer(r io.Reader, data func(*decoder, *answer) error) (answer, error) {
	body := newBoundedBody(r)
	d := newDecoder(body)
	var a answer
	err := d.object(func(key string) (err error) {
		switch key {
		case "status":
			a.status, err = d.text()
		case "errorType":
			a.errorType, err = d.shortText()
		case "error":
			a.err, err = d.shortText()
		case "warnings":
			a.warnings, err = d.shortTexts()
		case "infos":
			a.infos, err = d.shortTexts()
		case "data":
			err = data(d, &a)
		default:
			err = d.SkipValue()
		}
		return err
	})
	return a, body.explain(err, &a)
}

// boundedBody is the body of an answer with bounded parts. It keeps the error that ended
// it, unless that was its end.
type boundedBody struct {
	r    io.Reader
	err  error
	n    int64 // bytes read
	left int   // bytes that the part may still have
	web  bool  // it begins like a web page
}

func newBoundedBody(r io.Reader) *boundedBody { return &boundedBody{r: r, left: maxPart} }

// beginPart begins the next part of the body.
func (t *boundedBody) beginPart() { t.left = maxPart }

func (t *boundedBody) Read(p []byte) (int, error) {
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

// explain returns why a body is no answer, from the error that ended the reading.
func (t *boundedBody) explain(err error, a *answer) error {
	switch {
	case t.err != nil:
		return t.err
	case t.n == 0:
		return apierror.ErrEmpty
	case t.web:
		return apierror.ErrWebPage
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err == nil && a.status == "":
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: it is cut off, or has no status")
	case err != nil:
		return collector.Errorf(collector.ReasonBadData, "its answer is not that of a Prometheus: not JSON as expected: %s", collector.Brief(err.Error(), maxText))
	}
	return nil
}
