package discovery

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"
)

const (
	// troubleTime is how long a problem counts after its last message; the mechanisms try again
	// within about half a minute
	troubleTime = 2 * time.Minute
	// maxTrouble bounds the number of problems
	maxTrouble = 10
)

// trouble keeps the problems of service discovery. The mechanisms only report them in their
// logs.
type trouble struct {
	now func() time.Time

	mtx      sync.Mutex
	lastSeen map[string]time.Time // by the text of the problem
}

// note records a problem; if there are too many, the newest stay.
func (t *trouble) note(what string) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	if t.lastSeen == nil {
		t.lastSeen = map[string]time.Time{}
	}
	now := t.now()
	maps.DeleteFunc(t.lastSeen, func(_ string, last time.Time) bool { return now.Sub(last) >= troubleTime })
	t.lastSeen[what] = now
	if len(t.lastSeen) > maxTrouble {
		delete(t.lastSeen, slices.MinFunc(slices.Collect(maps.Keys(t.lastSeen)), func(a, b string) int {
			return cmp.Or(t.lastSeen[a].Compare(t.lastSeen[b]), cmp.Compare(a, b))
		}))
	}
}

// list returns the current problems, in order.
func (t *trouble) list(now time.Time) (out []string) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	for _, what := range slices.Sorted(maps.Keys(t.lastSeen)) {
		if now.Sub(t.lastSeen[what]) < troubleTime {
			out = append(out, what)
		}
	}
	return out
}

// listener is a slog.Handler that passes everything on, and records the errors.
type listener struct {
	slog.Handler
	trouble *trouble
}

func (l listener) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key != "err" && a.Key != "error" {
				return true
			}
			l.trouble.note(inWords(r.Message, a.Value.String()))
			return false
		})
	}
	return l.Handler.Handle(ctx, r)
}

func (l listener) WithAttrs(attrs []slog.Attr) slog.Handler {
	return listener{l.Handler.WithAttrs(attrs), l.trouble}
}

func (l listener) WithGroup(name string) slog.Handler {
	return listener{l.Handler.WithGroup(name), l.trouble}
}

// forbidden is how an API server refuses what a role does not allow.
var forbidden = regexp.MustCompile(`User "([^"]*)" cannot (\w+) resource "([^"]*)" in API group "([^"]*)"(?: in the namespace "([^"]*)"| at the cluster scope)?`)

// inWords describes a problem so that a reader knows what to do.
func inWords(message, err string) string {
	if m := forbidden.FindStringSubmatch(err); m != nil {
		resource, where := m[3], "in any namespace"
		if m[4] != "" {
			resource += "." + m[4]
		}
		if m[5] != "" {
			where = "in the namespace " + m[5]
		}
		return fmt.Sprintf("Kubernetes does not let %s %s %s %s, so that their targets are not found: give it a role with get, list and watch of %s there", m[1], m[2], resource, where, resource)
	}
	return fmt.Sprintf("Service discovery: %s: %s", message, err)
}
