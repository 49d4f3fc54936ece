// Package alerting tells people about leaks. Render turns a leak into one
// alert, Text into the block that a person reads, and a Notifier keeps every
// configured Alertmanager up to date: it sends what fires, again and again
// while it does, and what was resolved, through one bounded queue per
// Alertmanager.
//
// It never decides what a leak is or when it fires: leaks come in by Update,
// with the time of the evaluation they are from. It keeps nothing on disk:
// after a restart the leaks of the archive lead to the same alerts.
package alerting
