// Package web serves the pages of gorowatch and puts the JSON API, the webhook, the
// metrics and the health beside them, as one http.Handler.
//
// Pages are rendered on the server and are complete without JavaScript, which draws
// the charts and the flame graph, and fetches the parts of a page that need the
// bucket or Prometheus: a slow one holds up no page. Pages load nothing from other
// sites, and a strict policy holds browsers to that.
//
// The package owns the templates, the paths, and the checks of the host and of the
// origin of a request. It never changes what it shows, and it treats every name in
// there as hostile. What it shows comes from internal/web/view, which asks
// internal/app; internal/web/apiv1 and internal/web/inbound answer programs.
// Listening, TLS and authentication are up to who serves the handler.
package web
