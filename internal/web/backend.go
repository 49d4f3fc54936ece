package web

import (
	"context"

	"github.com/gorowatch/gorowatch/internal/web/pages"
)

// Backend is the running gorowatch as pages, API and webhook see it.
type Backend interface {
	pages.Backend
	// RequiresLogin reports whether all requests have passed a login, so that they
	// may come to any host.
	RequiresLogin() bool
}

// Reloader reloads the configuration.
type Reloader interface {
	Reload(context.Context) error
}
