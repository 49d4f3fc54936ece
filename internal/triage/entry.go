package triage

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
)

// Entry is what people record about a leak. It is a value.
type Entry struct {
	// Leak is the id of the leak.
	Leak  string `json:"leak"`
	Owner string `json:"owner,omitempty"`
	Note  string `json:"note,omitempty"`
	// Expected means that the leak is known and must not alert; nil: it is not expected.
	Expected  *Expected `json:"expected,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Expected says which leak is expected, why and for how long.
type Expected struct {
	Service   labels.Labels `json:"service"`
	Signature string        `json:"signature"`
	Reason    string        `json:"reason"`
	// Until is when it ends; zero: never.
	Until time.Time `json:"until,omitzero"`
}

// Bounds on what people type, in bytes.
const (
	MaxOwner  = 200
	MaxNote   = 4000
	MaxReason = 500
)

// IsEmpty reports whether the entry has nothing.
func (e Entry) IsEmpty() bool { return e.Owner == "" && e.Note == "" && e.Expected == nil }

// IsExpected reports whether the leak is expected at the time now.
func (e Entry) IsExpected(now time.Time) bool {
	return e.Expected != nil && (e.Expected.Until.IsZero() || now.Before(e.Expected.Until))
}

// Check returns what is wrong with the entry, with the field, the value and what was
// expected.
func (e Entry) Check(now time.Time) error {
	for _, f := range []struct {
		name, text string
		most       int
	}{{"owner", e.Owner, MaxOwner}, {"note", e.Note, MaxNote}} {
		if err := checkText(f.name, f.text, f.most); err != nil {
			return err
		}
	}
	x := e.Expected
	switch {
	case x == nil:
		return nil
	case x.Signature == "":
		return errors.New("expected: the leak has no stack yet, so no rule can name it; silence it in Alertmanager instead")
	case strings.TrimSpace(x.Reason) == "":
		return errors.New("expected.reason: is empty, expected why the leak may go on")
	case !x.Until.IsZero() && !x.Until.After(now):
		return fmt.Errorf("expected.until: %s is past, expected a later day", x.Until.UTC().Format(time.DateOnly))
	}
	return checkText("expected.reason", x.Reason, MaxReason)
}

func checkText(name, text string, most int) error {
	switch {
	case len(text) > most:
		return fmt.Errorf("%s: has %d bytes, expected at most %d", name, len(text), most)
	case !utf8.ValidString(text):
		return fmt.Errorf("%s: is not text, expected UTF-8", name)
	}
	return nil
}

// ParseUntil reads the end of a rule: a day (2006-01-02, inclusive) or an RFC 3339 time. Empty:
// no end.
func ParseUntil(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t.AddDate(0, 0, 1), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("expected.until: %.40q is not a day, expected e.g. 2026-12-31", s)
	}
	return t, nil
}
