// Package known holds the leaks of public libraries that have been reported, one file each.
// internal/known reads them.
package known

import "embed"

// Files are the leaks, by the name of the file.
//
//go:embed *.yaml
var Files embed.FS
