// Package surge notices growth within minutes, long before the trend has enough blocks to judge it. A
// Series has the last 20 samples of one instance; internal/monitor/watch has one for each, and makes
// a verdict suspicious when one surges.
//
// A surge is only a reason to look at the stacks. Healthy services have one now and then, so it adds
// nothing to the confidence of a leak.
//
// The package does no I/O and does not read the clock.
package surge
