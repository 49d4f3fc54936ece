// Package query reads what a request asks for: which entries of a list (Filter), which part of
// it (Window), and which time (Span). Pages and API take the same parameters.
//
// The package owns the names of the parameters, their defaults, bounds and error texts. It is
// pure: it reads the url.Values of a request. internal/web/view applies the filter to its
// lists, pages and API apply the rest.
package query
