package promapi

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/apierror"
	"github.com/gorowatch/gorowatch/collector/promapi/versions"
)

// versionMetrics have the versions of instances: build_info and similar in a version label,
// OpenTelemetry's target_info in service_version, kube-state-metrics in the image of a pod's
// container.
const versionMetrics = `__name__=~"(.+_)?build_info|target_info|kube_pod_container_info"`

// versionExpr selects them for the watched instances.
func versionExpr(selector string) string {
	rest := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(selector, "{"), "}"))
	if rest == "" {
		return "{" + versionMetrics + "}"
	}
	return "{" + versionMetrics + "," + rest + "}"
}

// Versions reads which versions ran at a time; the function returns that of an instance, empty
// if unknown. It is one instant query with a few series an instance.
func (s *Source) Versions(ctx context.Context, at time.Time) (func(instance labels.Labels) string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	expr := versionExpr(s.o.Selector)
	result, _, err := s.api.Query(ctx, expr, at)
	if err != nil {
		err = apierror.Explain(err)
		return nil, &collector.Error{
			Reason: collector.ReasonOf(err),
			Err:    fmt.Errorf("prometheus %s: query %s: %w", collector.RedactURL(s.o.URL), strconv.Quote(expr), err),
		}
	}
	vector, ok := result.(model.Vector)
	if !ok {
		return nil, collector.Errorf(collector.ReasonBadData, "prometheus %s: query %s: answered with a %s instead of a vector",
			collector.RedactURL(s.o.URL), strconv.Quote(expr), result.Type())
	}
	return versions.New(vector).Of, nil
}
