// Package trend judges whether the goroutine counts of a service grow in a way
// that healthy services do not.
//
// # Use
//
// There is one [Service] for each service. [Service.Observe] takes the samples of
// its instances in time order, and [Service.Judge] returns a [Verdict] as of a
// time. A Verdict has a [Status], from [Quiet] to [Leaking]; the growth of each
// instance that grows and of all together, with a 95 % interval; and the onset.
//
// # Why not
//
// The [Gate] of a Verdict names the one condition that kept the status from being
// higher: the growth follows the load, say, or is one step, or came back.
// [Service.Explain] shows the same for each instance and each length of blocks.
//
// # How it decides
//
// A leak never gives a goroutine back, so it lifts the smallest count of a block
// of time, whatever the traffic does. Blocks are 1, 5, 15, 60 and 240 minutes
// long by default: short ones see a fast leak soon, long ones a slow leak in spite
// of the daily traffic. [Service.Floors] returns these smallest counts.
// docs/detection.md explains each condition.
//
// # What it never does
//
// It is pure: no I/O, no clock, no logs, no randomness. Time comes in with the
// samples and with Judge, so the same samples lead to the same verdicts, live and
// in a scan of last week. State per series is bounded, and a sample costs O(1).
package trend
