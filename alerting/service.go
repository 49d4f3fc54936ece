package alerting

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"
)

// ServiceName returns a short name of a service for people: its namespace, its job, and
// the values of its other labels, joined by slashes.
func ServiceName(service labels.Labels) string {
	var parts []string
	for _, name := range []string{"namespace", "job"} {
		if v := service.Get(name); v != "" {
			parts = append(parts, v)
		}
	}
	service.Range(func(l labels.Label) {
		if l.Name != "namespace" && l.Name != "job" && l.Value != "" {
			parts = append(parts, l.Value)
		}
	})
	if len(parts) == 0 {
		return "(no labels)"
	}
	return strings.Join(parts, "/")
}
