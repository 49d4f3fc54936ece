package answer

import (
	"io"
	"net/url"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// Targets reads a list of targets as it arrives: it has megabytes, of which only the labels and
// the address matter.
func Targets(r io.Reader) (out []collector.ScrapeTarget, _ Answer, _ error) {
	a, err := read(r, func(d *decoder, _ *Answer) error {
		return d.object(func(key string) error {
			if key != "activeTargets" {
				return d.SkipValue()
			}
			return d.array(func() error {
				t, ok, err := d.scrapeTarget()
				if ok {
					out = append(out, t)
				}
				return err
			})
		})
	})
	return out, a, err
}

// scrapeTarget reads a target. A target that is not scraped over HTTP is left out, because it
// cannot have profiles.
func (d *decoder) scrapeTarget() (t collector.ScrapeTarget, ok bool, err error) {
	err = d.object(func(key string) (err error) {
		switch key {
		case "labels":
			_, t.Labels, err = d.labels()
		case "scrapeUrl":
			var text string
			text, err = d.text()
			u, invalid := url.Parse(text)
			if ok = invalid == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"); ok {
				// A copy, so that the rest of the address does not stay in memory.
				t.Scheme, t.Host = "http", strings.Clone(u.Host)
				if u.Scheme == "https" {
					t.Scheme = "https"
				}
			}
		case "lastError":
			var text string
			text, err = d.text()
			t.Unreachable = isRefused(text)
		default:
			err = d.SkipValue()
		}
		return err
	})
	ok = ok && len(t.Host) <= collector.MaxLabelBytes && collector.LabelsProblem(t.Labels) == ""
	return t, ok, err
}

// isRefused reports whether a scrape failed because nothing listens there, by the text of the
// error on Unix and on Windows.
func isRefused(lastError string) bool {
	return strings.HasSuffix(lastError, "connection refused") || strings.HasSuffix(lastError, "actively refused it.")
}
