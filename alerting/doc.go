// Package alerting says what people and Alertmanagers read about a leak. The package
// notify beside it sends that.
//
// # What is said
//
// [Render] turns a leak into one [Alert]. Its labels are its identity and do not
// change while it fires; everything that moves is an annotation. [Text] is the block
// that a person reads, [Data] what a template of the configuration gets. A leak also
// has an alert of severity [Critical] while an instance is about to reach its limit.
// [Gauges] says the same in metrics.
//
// # Whom it is said to
//
// An [Alertmanager] or a [Webhook] describes a receiver, and a [ReceiverStatus] how
// the deliveries to it go.
//
// # What it never does
//
// It sends nothing, keeps nothing and does not decide what a leak is: package leak has
// the values, which come from the monitor or from a program of your own.
package alerting
