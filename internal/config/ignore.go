package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Ignore describes leaks that must not alert. All fields that are set must match, and
// patterns are anchored regular expressions.
type Ignore struct {
	// Matchers of the labels of the service, e.g. job="batch".
	Matchers []string `yaml:"matchers,omitempty"`
	// Function matches any frame of the leading stack.
	Function string `yaml:"function,omitempty"`
	// Key matches the function of the key frame, the first one in the alert.
	Key string `yaml:"key,omitempty"`
	// CreatedBy matches the function with the go statement, or the first function of
	// the goroutine.
	CreatedBy string `yaml:"created_by,omitempty"`
	// Signature of the leading stack, as the API and the pages show it.
	Signature string `yaml:"signature,omitempty"`
	// Comment says why, for the pages.
	Comment string `yaml:"comment,omitempty"`
	// Until is the day (2006-01-02, UTC) or time when the entry ends.
	Until string `yaml:"until,omitempty"`
}

// Ends returns the time of Until; zero: never.
func (i Ignore) Ends() (time.Time, error) {
	if i.Until == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, i.Until); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, i.Until)
}

// Ended returns a notice for each rule that has expired.
func Ended(rules []Ignore, now time.Time) (out []string) {
	for i, r := range rules {
		if until, err := r.Ends(); err == nil && !until.IsZero() && !now.Before(until) {
			text := fmt.Sprintf("ignore[%d] ended %s and is not applied any more", i, r.Until)
			if r.Comment != "" {
				text += ": " + r.Comment
			}
			out = append(out, text)
		}
	}
	return out
}

// Pattern compiles an anchored regular expression. It returns nil for an empty one.
func Pattern(s string) (*regexp.Regexp, error) {
	if s == "" {
		return nil, nil
	}
	return regexp.Compile("^(?s:" + s + ")$")
}

// ignore checks an entry of the section ignore.
func (v *validator) ignore(field string, i *Ignore) {
	if i.Function == "" && i.Key == "" && i.CreatedBy == "" && i.Signature == "" {
		v.add(field, errors.New("names no stack, expected function, key, created_by or signature"))
	}
	for _, p := range []struct{ key, pattern string }{{"function", i.Function}, {"key", i.Key}, {"created_by", i.CreatedBy}} {
		if _, err := Pattern(p.pattern); err != nil {
			v.check(field+"."+p.key, p.pattern, err, `a regular expression, e.g. main\.warm.*`)
		}
	}
	if len(i.Matchers) > 0 {
		_, err := ParseMatchers(i.Matchers)
		v.check(field+".matchers", strings.Join(i.Matchers, ", "), err, `label matchers, e.g. job=~"a|b"`)
	}
	if _, err := i.Ends(); err != nil {
		v.add(field+".until", fmt.Errorf("%q is not a date, expected e.g. 2026-12-31", i.Until))
	}
}
