// Package webhook delivers alerts to one webhook. Its one door is the Loop.
//
// It owns the messages, which have the format of Alertmanager's webhooks, the alerts
// that wait, and when a failed message is tried again. What was delivered is in
// Deliveries, which outlive the process, so each state of an alert arrives once. It
// never decides which alerts there are or what they say: the notifier offers them.
package webhook
