package scrape

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
)

// read scrapes a target once. Its errors have a reason and name the URL redacted.
func (t *target) read(ctx context.Context, timeout time.Duration) (x collector.Scrape, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL.String(), nil)
	if err != nil {
		return x, collector.Errorf(collector.ReasonOther, "%s: %w", collector.RedactURL(t.URL), err)
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	req.Header.Set("Accept", string(format))
	now := time.Now()
	resp, err := t.Client.Do(req)
	if err != nil {
		return x, collector.NetworkError(t.URL, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return x, statusError(t.URL, resp.StatusCode)
	}
	body := &body{r: resp.Body}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(body)
	if body.err != nil {
		return x, collector.NetworkError(t.URL, body.err)
	}
	if err != nil {
		return x, collector.Errorf(collector.ReasonBadData, "%s: not metrics: %s", collector.RedactURL(t.URL), collector.Brief(err.Error(), maxText))
	}
	count, ok := value(families["go_goroutines"])
	if !ok {
		return x, collector.Errorf(collector.ReasonBadData, "%s: has no go_goroutines: is it a Go service with the Go collector?", collector.RedactURL(t.URL))
	}
	if !collector.ValidCount(count) {
		return x, collector.Errorf(collector.ReasonBadData, "%s: go_goroutines is %v, which is no number of goroutines", collector.RedactURL(t.URL), count)
	}
	start, ok := value(families["process_start_time_seconds"])
	if !ok {
		start = collector.Unknown
	}
	cpu, ok := value(families["process_cpu_seconds_total"])
	if !ok {
		cpu = collector.Unknown
	}
	return collector.Scrape{T: now.UnixMilli(), Count: count, CPU: cpu, Start: start}, nil
}

// body remembers why reading a response failed. The parser takes any error for a
// mistake in the metrics, or for the end.
type body struct {
	r   io.Reader
	err error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// maxText bounds what is said of metrics that cannot be read.
const maxText = 300

// statusError returns the error for a status other than 200.
func statusError(u *url.URL, code int) error {
	advice := ""
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		advice = ": it wants a login: set authorization or basic_auth in its entry of targets"
	}
	return collector.Errorf(fetch.ReasonOfStatus(code), "%s: %s%s", collector.RedactURL(u), fetch.StatusText(code), advice)
}

// value returns the value of a family whose one metric has no labels of its own.
func value(f *dto.MetricFamily) (float64, bool) {
	if len(f.GetMetric()) == 0 {
		return 0, false
	}
	m := f.GetMetric()[0]
	switch {
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue(), true
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue(), true
	case m.GetUntyped() != nil:
		return m.GetUntyped().GetValue(), true
	}
	return 0, false
}
