// Package docs holds the documentation, so that a gorowatch without a way to the
// internet can show it. internal/web/help renders it.
package docs

import "embed"

// Files are the pages, by their path in this folder, and the pictures in them.
//
//go:embed *.md leaks/*.md runbooks/*.md img/*.svg
var Files embed.FS
