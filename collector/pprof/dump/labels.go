package dump

import (
	"strconv"
	"strings"
)

// parseLabels reads `{"key":"value", …}`, with or without spaces, and without quotes around
// plain words. It stops at anything else. Without labels it returns nil.
func parseLabels(b []byte) map[string]string {
	if len(b) < 2 || b[0] != '{' || b[1] == '}' {
		return nil
	}
	var labels map[string]string
	for s := string(b); len(s) > 1 && (s[0] == '{' || s[0] == ','); {
		k, rest, ok := word(s[1:])
		if !ok || rest == "" || rest[0] != ':' {
			break
		}
		v, rest, ok := word(rest[1:])
		if !ok || rest == "" || rest[0] != ',' && rest[0] != '}' {
			break
		}
		if labels == nil {
			labels = map[string]string{}
		}
		labels[k] = v
		s = rest
	}
	return labels
}

// word reads a quoted string, or a plain one of letters, digits, '.', '/' and '_', which may be
// empty.
func word(s string) (value, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	if s == "" || s[0] != '"' {
		n := 0
		for n < len(s) && plain(s[n]) {
			n++
		}
		return s[:n], s[n:], true
	}
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", s, false
	}
	if value, err = strconv.Unquote(q); err != nil {
		return "", s, false
	}
	return value, s[len(q):], true
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '/' || c == '_'
}

// keepCommon removes the entries of a that b does not have.
func keepCommon(a, b map[string]string) {
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			delete(a, k)
		}
	}
}
