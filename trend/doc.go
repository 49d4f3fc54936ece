// Package trend judges from goroutine counts whether a service leaks: whether its counts grow in
// a way that those of healthy services do not. Other packages add what the stacks say.
//
// # Use
//
// Make one [Service] for each service. [Service.Observe] takes the samples of its instances in
// time order, and [Service.Judge] returns the [Verdict] at a given time: a [Status] from [Quiet]
// to [Leaking], the onset, and the growth of each growing instance and of all of them together,
// with a 95 % interval. In gorowatch, internal/monitor/watch makes these calls.
//
// # Why growth is not called a leak
//
// The [Gate] of a Verdict names the one condition that kept the status from being higher: the
// growth follows the load, for example, or it came in one step, or it fell back.
// [Service.Explain] says the same for each instance and each length of blocks.
//
// # How it decides
//
// Leaked goroutines never end, so a leak raises the smallest count of every block of time,
// whatever the traffic does. Blocks are 1, 5, 15, 60 and 240 minutes long by default: short ones
// show a fast leak soon, long ones show a slow leak despite daily traffic. docs/detection.md
// explains each condition. In the code, start with judge.go, which judges a service, and
// assess.go, which judges the blocks of one length; internal/odds weighs the explanations.
//
// # What it never does
//
// It is pure: no I/O, no clock, no logs, no randomness. Time comes in with the samples and with
// Judge, so the same samples lead to the same verdicts, live and in a scan of last week. The
// state of each series is bounded, and a sample costs amortised O(1).
package trend
