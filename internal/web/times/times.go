// Package times marks the times within a text, so that the page shows them in the zone
// that its reader has chosen.
package times

import (
	"html/template"
	"regexp"
	"strings"
	"time"
)

// pattern is a time as internal/human writes it, and with seconds.
var pattern = regexp.MustCompile(`\b(\d{4}-\d\d-\d\d )?(\d\d:\d\d)(:\d\d)? UTC\b`)

// Mark makes HTML of a text, with each time in it as an element of its own. A time
// without a date is of a day: the text was written then.
func Mark(text string, day time.Time) template.HTML {
	var b strings.Builder
	for {
		at := pattern.FindStringSubmatchIndex(text)
		if at == nil {
			break
		}
		found := text[at[0]:at[1]]
		b.WriteString(template.HTMLEscapeString(text[:at[0]]))
		if t, ok := parse(found, day); ok {
			b.WriteString(`<time datetime="` + t.Format(time.RFC3339) + `">` + found + `</time>`)
		} else {
			b.WriteString(found)
		}
		text = text[at[1]:]
	}
	b.WriteString(template.HTMLEscapeString(text))
	return template.HTML(b.String()) //nolint:gosec // is escaped
}

// parse reads a time that has the form of pattern. It is not ok if there is no such time.
func parse(text string, day time.Time) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04:05 UTC", "2006-01-02 15:04 UTC", "15:04:05 UTC", "15:04 UTC"} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if t.Year() == 0 {
			d := day.UTC()
			t = time.Date(d.Year(), d.Month(), d.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
		}
		return t.UTC(), true
	}
	return time.Time{}, false
}
