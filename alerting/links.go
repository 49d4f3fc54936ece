package alerting

import (
	"net/url"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

// maxURL is the longest link that an alert carries, in bytes.
const maxURL = 700

// dashboardMargin is how much time before and after a leak its dashboard shows.
const dashboardMargin = time.Hour

// PageURL returns the address of a leak's page.
func PageURL(external *url.URL, id string) string {
	return external.JoinPath("leaks", url.PathEscape(id)).String()
}

// ProfileURL returns the address of a profile's raw bytes. key is that of the
// leak.ProfileRef.
func ProfileURL(external *url.URL, key string) string {
	segments := []string{"api", "v1", "profiles"}
	for s := range strings.SplitSeq(strings.TrimPrefix(key, "profiles/"), "/") {
		// An @ would be a mention where the address stands in a text.
		segments = append(segments, strings.ReplaceAll(url.PathEscape(s), "@", "%40"))
	}
	return external.JoinPath(segments...).String()
}

// links are the links of an alert. Each may be empty.
type links struct{ base, head, command, image, dashboard, runbook string }

// linksOf returns the links of a leak's alert.
func linksOf(l leak.Leak, o RenderOptions) (x links) {
	from, to := l.Onset.Add(-dashboardMargin), time.Time{}
	if l.State == leak.Resolved {
		to = l.ResolvedAt.Add(dashboardMargin)
	}
	x.dashboard, x.runbook = o.Dashboard.Of(maxURL, l.Service, from, to), o.Runbook.Of(maxURL, l.Service, from, to)
	if o.ImageURL != nil {
		if u := o.ImageURL(l); len(u) <= maxURL {
			x.image = u
		}
	}
	if o.ExternalURL == nil {
		return x
	}
	link := func(p *leak.ProfileRef) string {
		if p == nil || p.Key == "" || len(p.Key) > maxURL {
			return ""
		}
		if u := ProfileURL(o.ExternalURL, p.Key); len(u) <= maxURL {
			return u
		}
		return ""
	}
	x.base, x.head = link(l.Base), link(l.Head)
	if x.base != "" && x.head != "" {
		x.command = PprofCommand(x.base, x.head)
	}
	return x
}

// PprofCommand returns the command that shows the difference of two profiles. It is
// safe to paste into a shell, although the addresses hold names that targets chose.
func PprofCommand(base, head string) string {
	return "go tool pprof -http=: -base " + shellQuote(base) + " " + shellQuote(head)
}

// shellQuote quotes s for a shell, unless no shell would change it.
func shellQuote(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("%/:._@+,-", r))
	}) < 0
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
