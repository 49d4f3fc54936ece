// Package alerting tells people about leaks.
//
// # Use
//
// A [Notifier] keeps every configured [Alertmanager] up to date and informs every
// [Webhook]. Call [Notifier.Update] with all leaks after each evaluation; it does
// not wait for anybody. [Notifier.Run] sends. [Notifier.ApplyConfig] replaces the
// configuration and keeps the queues of receivers that stay.
//
// # What is sent
//
// [Render] turns a leak into one [Alert]. Its labels are its identity and do not
// change while it fires; everything that moves is an annotation. [Text] is the
// block that a person reads, [Data] what a template of the configuration gets. A
// leak also has an alert of severity [Critical] while an instance is about to
// reach its limit.
//
// # When it is sent
//
// An Alertmanager gets a firing alert at once and again at every resend interval,
// and a resolved one for 15 minutes. Each has a bounded queue, in which a newer
// state of an alert replaces the older one. A webhook gets each state once, also
// across restarts: [Notes] keep what was delivered. A receiver that fails is tried
// again after growing waits, and one that sends Retry-After is left alone for that
// long, up to a bound.
//
// # What it never does
//
// It does not decide what a leak is or when it fires: leaks come in by Update with
// the time of their evaluation. Apart from Notes it keeps nothing: after a restart
// the leaks of the archive lead to the same alerts.
package alerting
