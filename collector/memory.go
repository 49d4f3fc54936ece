package collector

import "github.com/prometheus/prometheus/model/labels"

// Memory is how the memory of an instance grows, against its container's limit.
type Memory struct {
	Labels labels.Labels // of the instance
	// Used are the bytes that its stacks and its heap take, Limit those that its
	// container may have.
	Used, Limit float64
	// PerHour is the growth of Used.
	PerHour float64
}
