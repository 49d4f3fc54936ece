// Package notify decides which alerts are sent when, and to whom.
//
// # Use
//
// A [Notifier] keeps every configured Alertmanager up to date and informs every
// webhook. Call [Notifier.Update] with all leaks after each evaluation; it does not
// wait for any receiver. [Notifier.Run] sends. [Notifier.ApplyConfig] replaces the
// configuration and keeps the queues of receivers that stay.
//
// # When alerts are sent
//
// An Alertmanager gets a firing alert at once and again at every resend interval, and
// a resolved one for 15 minutes; if asked for, suspected leaks too. Each has a bounded queue, in which a newer state of
// an alert replaces the older one. A webhook gets each state once, also across
// restarts: [Notes] keep what was delivered. A receiver that fails is tried again
// after growing waits, and one that sends Retry-After is left alone for that long, up
// to a bound.
//
// # What it never does
//
// It does not decide what a leak is, when it fires or what an alert says: leaks come
// in by Update with the time of their evaluation, and package alerting renders them.
// Apart from Notes it keeps nothing: after a restart the leaks of the archive lead to
// the same alerts.
package notify
