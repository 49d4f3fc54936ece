// Package pages makes the pages for people. Handler.Routes in handler.go lists their paths; each page has
// a file here, and a template of the same name in templates. internal/web serves them.
//
// Pages are rendered on the server. Without JavaScript only the charts, the flame graph, and the parts that
// need the bucket or Prometheus are missing: scripts fetch those, so that a slow bucket or Prometheus holds
// up no page. Pages load nothing from other sites.
//
// The package owns the templates, the scripts, the paths, the words and the links of the pages. It treats
// every name that it shows as hostile. It never decides who may read a page: internal/web does. What it
// shows is found by internal/web/view; the charts read the JSON API in internal/web/apiv1.
package pages
