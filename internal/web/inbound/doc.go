// Package inbound takes Alertmanager's webhooks and asks for profiles of the
// services that the alerts name, while it happens.
//
// The package owns the token of the webhook, the bounds on what one message and
// all of them together may ask for, and the answer for each alert. It believes
// nothing but labels, asks no address that a message holds, and takes no profile
// itself: internal/web routes requests here, and the Backend queues what comes of
// them.
package inbound
