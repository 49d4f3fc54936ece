// Package surge notices growth within minutes, long before the trend has enough blocks to judge
// it. It owns the last 20 samples of each instance.
//
// A surge is only a reason to look at the stacks: healthy services have one now and then, and
// it adds nothing to the confidence of a leak. Samples come from the cycle; surges go to the
// watched service.
//
// It does no I/O and does not read the clock.
package surge
