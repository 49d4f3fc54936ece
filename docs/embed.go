// Package docs holds the documentation, so that gorowatch can show it without the Internet.
// internal/web/help renders it.
package docs

import "embed"

// Files are the pages, by their path in this folder, and the pictures in them.
//
//go:embed *.md howto/*.md leaks/*.md receivers/*.md runbooks/*.md verdicts/*.md img/*.svg img/*.png
var Files embed.FS
