// Package pages makes the pages for people.
//
// Pages are rendered on the server and are complete without JavaScript, which draws
// the charts and the flame graph, and fetches the parts of a page that need the
// bucket or Prometheus: a slow one holds up no page. Pages load nothing from other
// sites.
//
// The package owns the templates, the scripts, the paths of the pages, the words on
// them, and the links. It treats every name that it shows as hostile, and it never
// decides who may read a page: internal/web does. What it shows is found by
// internal/web/view; the charts read the JSON API in internal/web/apiv1.
package pages
