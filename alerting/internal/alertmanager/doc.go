// Package alertmanager sends alerts to one Alertmanager. Its one door is the Loop.
//
// It owns the queue, in which a newer state of an alert replaces the older one, the
// requests to API v2, and the metrics of both. It never decides which alerts are due
// or what they say: the notifier enqueues them, rendered, with the time when they
// expire.
package alertmanager
