// Package alerting writes what people and Alertmanagers read about a leak. The package notify
// beside it sends that.
//
// # Contents
//
// [Render] turns a leak into one [Alert]. Its labels are its identity and do not change while
// it fires; everything that changes is an annotation. [Text] is the block that a person reads,
// [Data] what a template of the configuration gets. A leak also has an alert of severity
// [Critical] while an instance is about to reach its limit, and may have one of severity [Info]
// while it is only suspected. [Gauges] exposes the same as metrics.
//
// # Receivers
//
// An [Alertmanager] or a [Webhook] describes a receiver, and a [ReceiverStatus] the state of
// its deliveries.
//
// # Limits
//
// It sends nothing, stores nothing and does not decide what a leak is: package leak has the
// values, which come from the monitor or from a program of your own.
package alerting
