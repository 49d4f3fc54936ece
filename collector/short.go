package collector

import (
	"errors"
	"strings"
)

// MaxErrorBytes bounds the error of a target, which may quote the target's answer.
const MaxErrorBytes = 1024

// ShortError shortens an error of a target for logs and pages.
func ShortError(err error) error {
	var known *Error
	if len(err.Error()) <= MaxErrorBytes || !errors.As(err, &known) {
		return err
	}
	return &Error{Reason: known.Reason, RetryAfter: known.RetryAfter, Err: errors.New(Shorten(err.Error()))}
}

// Shorten cuts a text to at most MaxErrorBytes.
func Shorten(text string) string {
	if len(text) <= MaxErrorBytes {
		return text
	}
	const end = "…"
	return strings.ToValidUTF8(text[:MaxErrorBytes-len(end)], "") + end
}
