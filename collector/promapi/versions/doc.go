// Package versions finds the version that an instance runs, from the metrics that say it:
// build_info and its kin, OpenTelemetry's target_info, and the images of containers.
package versions
