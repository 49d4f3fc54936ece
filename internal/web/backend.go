package web

import (
	"context"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// Backend is the running gorowatch as the pages see it.
type Backend interface {
	view.Backend
	// Links are where the pages lead besides.
	Links() Links
	// RequiresLogin reports whether all requests have passed a login, so that they
	// may come to any host.
	RequiresLogin() bool
}

// Reloader reloads the configuration.
type Reloader interface {
	Reload(context.Context) error
}

// Links are where the pages lead besides gorowatch itself. All may be empty.
type Links struct {
	Source []SourceLink
	// Alertmanager is where people reach it.
	Alertmanager string
}

// SourceLink is where the source of some services can be looked at.
type SourceLink struct {
	Matchers []*labels.Matcher
	// Prefix of the files that it is about.
	Prefix string
	// URL has {version}, {path} and {line}.
	URL alerting.Address
}
