// Package web serves the pages, the JSON API, the metrics and the health of
// gorowatch as one http.Handler.
//
// Pages are rendered on the server and say what matters without JavaScript; it
// draws the charts and the flame graph, and fetches the parts of a page that
// need the bucket or Prometheus, so that a slow one holds up no page. Nothing
// is asked of anywhere else, and a strict policy holds browsers to that.
//
// The package only reads: what it shows comes from the interfaces here, which
// its consumer provides, and every name in there is taken as hostile. Listening,
// TLS and authentication are up to who serves the handler.
package web
