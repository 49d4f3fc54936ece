package query

import (
	"regexp"
	"strconv"
	"strings"
)

// unquoted is a matcher whose value has no quotes: job=checkout. bareWord is one or more words
// without a matcher.
var (
	unquoted = regexp.MustCompile("^\\s*([a-zA-Z_][a-zA-Z0-9_]*)\\s*(=~|!~|!=|=)\\s*([^\\s\"'`{}(),=~!\\pC]+)\\s*$")
	bareWord = regexp.MustCompile(`^\s*[\pL\pN_][\pL\pN_.:/*-]*(\s+[\pL\pN_][\pL\pN_.:/*-]*)*\s*$`)
)

// completeSelector adds to a list of matchers what people leave out, the braces and the quotes
// around plain values, and removes the bare words. It leaves everything else unchanged, for the
// parser to refuse.
func completeSelector(s string) (selector string, words []string) {
	inner := s
	if strings.HasPrefix(s, "{") {
		if !strings.HasSuffix(s, "}") || len(s) < 2 {
			return s, nil
		}
		inner = s[1 : len(s)-1]
	}
	parts := splitMatchers(inner)
	kept := parts[:0]
	for i, part := range parts {
		switch {
		case strings.TrimSpace(part) == "" && i > 0 && i == len(parts)-1 && len(kept) == 0:
			// The comma after the last bare word.
		case bareWord.MatchString(part):
			words = append(words, strings.Fields(strings.ToLower(part))...)
		default:
			if m := unquoted.FindStringSubmatch(part); m != nil {
				part = m[1] + m[2] + strconv.Quote(m[3])
			}
			kept = append(kept, part)
		}
	}
	return "{" + strings.Join(kept, ",") + "}", words
}

// splitMatchers splits at the commas that are not in quotes.
func splitMatchers(s string) (parts []string) {
	var quote rune
	escaped := false
	start := 0
	for i, r := range s {
		switch {
		case escaped:
			escaped = false
		case quote != 0 && quote != '`' && r == '\\':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"', r == '\'', r == '`':
			quote = r
		case r == ',':
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}
