// Package inbound receives Alertmanager's webhooks and requests profiles of the services that
// the alerts name.
//
// The package owns the token of the webhook, the bounds of one message and of all of them
// together, and the answer for each alert. It only uses labels, sends no request to an address
// in a message, and takes no profile itself: internal/web routes requests here, and the Backend
// queues the resulting requests.
package inbound
