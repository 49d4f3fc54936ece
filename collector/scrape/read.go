package scrape

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// read scrapes a target once. Its errors have a reason and name the URL redacted.
func (t *target) read(ctx context.Context, timeout time.Duration, set *signals.Set) (x collector.Scrape, err error) {
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
	count, name, ok := first(families, set.Goroutines)
	if !ok {
		return x, collector.Errorf(collector.ReasonBadData, "%s: has no %s: is it a Go service with the Go collector?", collector.RedactURL(t.URL), set.Goroutines[0].Name)
	}
	if !collector.ValidCount(count) {
		return x, collector.Errorf(collector.ReasonBadData, "%s: %s is %v, which is not a number of goroutines", collector.RedactURL(t.URL), name, count)
	}
	x = collector.Scrape{T: now.UnixMilli(), Count: count, CPU: collector.Unknown, Start: collector.Unknown}
	x.Names[0] = name
	if v, name, ok := first(families, set.Load); ok {
		x.CPU, x.Names[1] = v, name
	}
	if v, name, ok := first(families, set.Start); ok {
		x.Start, x.Names[2] = v, name
	}
	return x, nil
}

// first returns the value of the first metric of a list that exists.
func first(families map[string]*dto.MetricFamily, list signals.List) (v float64, name string, ok bool) {
	for i := range list {
		m := &list[i]
		if m.Container {
			continue
		}
		if v, ok = value(families, m); ok {
			return v, m.Name, true
		}
	}
	return 0, "", false
}

// body remembers why reading a response failed, because the parser takes any error for a
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

// maxText bounds the text of an error about metrics.
const maxText = 300

// statusError returns the error for a status other than 200.
func statusError(u *url.URL, code int) error {
	advice := ""
	if code == http.StatusUnauthorized || code == http.StatusForbidden {
		advice = ": it wants a login: set authorization or basic_auth in its entry of targets"
	}
	return collector.Errorf(fetch.ReasonOfStatus(code), "%s: %s%s", collector.RedactURL(u), fetch.StatusText(code), advice)
}

// value returns the value of a metric. It sums up the series of a counter: the requests of all
// handlers are those of the process.
func value(families map[string]*dto.MetricFamily, m *signals.Metric) (v float64, ok bool) {
	read := valueOf
	f := families[m.Name]
	if base, found := strings.CutSuffix(m.Name, "_count"); f == nil && found {
		f, read = families[base], countOf
	}
	for i, x := range f.GetMetric() {
		one, known := read(x)
		if !known || i > 0 && m.Kind != signals.Counter {
			break
		}
		v, ok = v+one, true
	}
	return v, ok
}

func valueOf(m *dto.Metric) (float64, bool) {
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

// countOf returns the number of observations of a histogram or a summary.
func countOf(m *dto.Metric) (float64, bool) {
	switch {
	case m.GetHistogram() != nil:
		return float64(m.GetHistogram().GetSampleCount()), true
	case m.GetSummary() != nil:
		return float64(m.GetSummary().GetSampleCount()), true
	}
	return 0, false
}
