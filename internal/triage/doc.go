// Package triage holds what people record about leaks: the owner, a note, and that one is
// expected and must not alert until a day.
//
// The package owns the values (Entry, Expected), their bounds and the Book, which keeps them in
// memory and writes them through to a bucket. internal/archive implements the bucket,
// internal/app turns expectations into rules for the monitor, and internal/web shows and
// changes the entries. It knows neither HTTP nor HTML.
package triage
