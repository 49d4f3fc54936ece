package profiling

import (
	"errors"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// maxErrorBytes bounds the error of a target, which may quote what the target sent.
const maxErrorBytes = 1024

// shortError shortens an error to what may go into logs and onto pages.
func shortError(err error) error {
	var known *collector.Error
	if len(err.Error()) <= maxErrorBytes || !errors.As(err, &known) {
		return err
	}
	return &collector.Error{Reason: known.Reason, RetryAfter: known.RetryAfter, Err: errors.New(shorten(err.Error()))}
}

// shorten cuts a text to at most maxErrorBytes.
func shorten(text string) string {
	if len(text) <= maxErrorBytes {
		return text
	}
	const end = "…"
	return strings.ToValidUTF8(text[:maxErrorBytes-len(end)], "") + end
}
