package collector

import "github.com/prometheus/prometheus/model/labels"

// Memory is how the memory of an instance grows, against its container's limit.
type Memory struct {
	Labels labels.Labels // of the instance
	// Used is the memory of the process's stacks and heap, Limit that of its container, in
	// bytes.
	Used, Limit float64
	// PerHour is the growth of Used.
	PerHour float64
}
