package query

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// MaxLimit is the longest list in one answer, and the default.
const MaxLimit = 1000

// Window is the part of a list that a request asks for.
type Window struct{ Offset, Limit int }

// NewWindow reads limit and offset.
func NewWindow(q url.Values) (Window, error) {
	x := Window{Limit: MaxLimit}
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > MaxLimit {
			return x, fmt.Errorf("limit: expected 1 to %d", MaxLimit)
		}
		x.Limit = n
	}
	if v := q.Get("offset"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return x, errors.New("offset: expected 0 or more")
		}
		x.Offset = n
	}
	return x, nil
}

// Cut returns the part of a list that is in the window.
func Cut[T any](all []T, x Window) []T {
	from := min(x.Offset, len(all))
	return all[from:min(from+x.Limit, len(all))]
}
