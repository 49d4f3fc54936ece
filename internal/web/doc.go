// Package web puts the pages, the JSON API, the webhook, the metrics and the health behind one
// http.Handler.
//
// The package owns the table of all paths, the route prefix, the metrics of requests, and the
// checks before each: the host, the origin, and the policy that forbids a browser everything
// that the pages do not need. It shows nothing itself: internal/web/pages answers people,
// internal/web/apiv1 programs, and internal/web/inbound incoming alerts. All of them read
// internal/app through internal/web/view. It never listens: internal/app does, with TLS and
// logins.
package web
