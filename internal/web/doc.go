// Package web serves the pages, the JSON API, the metrics and the health of
// gorowatch as one http.Handler. Everything is rendered on the server, without
// JavaScript and without a request to anywhere else.
//
// It only reads: what it shows comes from a State, which its consumer provides,
// and every name in there is taken as hostile. Listening, TLS and
// authentication are up to who serves the handler.
package web
