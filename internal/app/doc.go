// Package app turns a configuration into a running gorowatch: it makes the
// options of each package from internal/config, owns the life cycle of what
// they make, and reloads.
package app
