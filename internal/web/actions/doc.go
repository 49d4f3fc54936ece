// Package actions makes what people need to act on a leak: links to a silence, to an issue and
// to the source, the rule that expects it, its text in Markdown, and its owner.
//
// It is pure: it does nothing itself. internal/app gives it the addresses of the configuration,
// internal/web/pages shows the results.
package actions
