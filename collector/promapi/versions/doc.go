// Package versions finds the version of an instance from the metrics that have it: build_info
// and similar, OpenTelemetry's target_info, and the images of containers.
package versions
