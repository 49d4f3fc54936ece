package alerting

import (
	"net/url"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

// maxURL is the longest link that an alert carries, in bytes.
const maxURL = 700

// beforeOnset is how much of the time before a leak its dashboard shows, and of
// the time after it.
const beforeOnset = time.Hour

// PageURL is the address of a leak's page.
func PageURL(external *url.URL, id string) string {
	return external.JoinPath("leaks", url.PathEscape(id)).String()
}

// ProfileURL is the address of a profile's raw bytes, key as leak.ProfileRef
// has it.
func ProfileURL(external *url.URL, key string) string {
	segments := []string{"api", "v1", "profiles"}
	for s := range strings.SplitSeq(strings.TrimPrefix(key, "profiles/"), "/") {
		// An @ would be a mention where the address stands in a text.
		segments = append(segments, strings.ReplaceAll(url.PathEscape(s), "@", "%40"))
	}
	return external.JoinPath(segments...).String()
}

// links of an alert; each may be empty.
type links struct{ base, head, command, dashboard, runbook string }

func linksOf(l leak.Leak, o RenderOptions) (x links) {
	from, to := l.Onset.Add(-beforeOnset), time.Time{}
	if l.State == leak.Resolved {
		to = l.ResolvedAt.Add(beforeOnset)
	}
	x.dashboard, x.runbook = o.Dashboard.Of(maxURL, l.Service, from, to), o.Runbook.Of(maxURL, l.Service, from, to)
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

// PprofCommand is what to type to look at the difference of two profiles. It
// is made from what targets call themselves, and people paste it into a shell.
func PprofCommand(base, head string) string {
	return "go tool pprof -http=: -base " + shellQuote(base) + " " + shellQuote(head)
}

// shellQuote leaves s alone if no shell would change it.
func shellQuote(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("%/:._@+,-", r))
	}) < 0
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
