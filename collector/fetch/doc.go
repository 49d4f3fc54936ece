// Package fetch owns the rules that every HTTP client of gorowatch follows:
// which redirects it takes, so that credentials stay with the server they are
// for. It makes no requests itself and knows nothing of what is requested.
package fetch
