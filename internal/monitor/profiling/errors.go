package profiling

import (
	"errors"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// maxErrorBytes bounds the error that is kept of a target, which may quote what
// the target calls itself or has sent.
const maxErrorBytes = 1024

// shortError is an error whose text goes into logs and onto pages as it is.
func shortError(err error) error {
	var known *collector.Error
	if len(err.Error()) <= maxErrorBytes || !errors.As(err, &known) {
		return err
	}
	return &collector.Error{Reason: known.Reason, RetryAfter: known.RetryAfter, Err: errors.New(shortened(err.Error()))}
}

// shortened is a text of at most maxErrorBytes.
func shortened(text string) string {
	if len(text) <= maxErrorBytes {
		return text
	}
	const end = "…"
	return strings.ToValidUTF8(text[:maxErrorBytes-len(end)], "") + end
}
