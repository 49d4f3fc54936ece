package promapi

import (
	"context"
	"fmt"
	"strconv"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
	"github.com/gorowatch/gorowatch/collector/promapi/apierror"
)

// Matrix evaluates an expression at start, start+Step, … up to end. It returns its series as
// Prometheus has them, each in time order, in no order among themselves, and Prometheus'
// warnings. Series are absent where the expression has no value. An error of
// collector.ReasonBadData holds Prometheus' own explanation of a wrong expression.
func (s *Source) Matrix(ctx context.Context, expr string, start, end time.Time) (model.Matrix, []string, error) {
	var out model.Matrix
	var warnings []string
	index := map[model.Fingerprint]int{}
	length := time.Duration(s.o.MaxPoints-1) * s.o.Step
	for from := start; !from.After(end); from = from.Add(length + s.o.Step) {
		to := from.Add(length)
		if to.After(end) {
			to = end
		}
		m, notes, err := s.query(ctx, expr, v1.Range{Start: from, End: to, Step: s.o.Step})
		if err != nil {
			return nil, nil, err
		}
		for _, w := range notes {
			warnings = appendNew(warnings, w)
		}
		for _, stream := range m {
			key := stream.Metric.Fingerprint()
			i, ok := index[key]
			if !ok {
				index[key] = len(out)
				out = append(out, stream)
				continue
			}
			out[i].Values = append(out[i].Values, stream.Values...)
		}
	}
	return out, warnings, nil
}

func (s *Source) query(ctx context.Context, expr string, r v1.Range) (model.Matrix, v1.Warnings, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	began := time.Now()
	v, warnings, err := s.api.QueryRange(ctx, expr, r, v1.WithTimeout(s.o.Timeout))
	s.metrics.duration.Observe(time.Since(began).Seconds())
	if err == nil {
		for i := range warnings {
			warnings[i] = collector.Brief(warnings[i], apierror.MaxText)
		}
		warnings = warnings[:min(len(warnings), answer.MaxWarnings)]
		m, ok := v.(model.Matrix)
		if ok {
			s.metrics.queries.WithLabelValues("ok").Inc()
			return m, warnings, nil
		}
		err = collector.Errorf(collector.ReasonBadData, "answered with a %s instead of a matrix", v.Type())
	}
	err = apierror.Explain(err)
	s.metrics.queries.WithLabelValues(string(collector.ReasonOf(err))).Inc()
	return nil, nil, &collector.Error{
		Reason: collector.ReasonOf(err),
		Err:    fmt.Errorf("prometheus %s: query %s: %w", collector.RedactURL(s.o.URL), strconv.Quote(expr), err),
	}
}
