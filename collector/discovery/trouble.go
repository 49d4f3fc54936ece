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
	// troubleTime is how long a complaint counts that is not heard again; the
	// mechanisms try again within half a minute or so.
	troubleTime = 2 * time.Minute
	// maxTrouble bounds the complaints that are kept.
	maxTrouble = 10
)

// trouble keeps what the mechanisms of service discovery complain about. Their
// logs are the only place where they say it.
type trouble struct {
	now func() time.Time

	mtx  sync.Mutex
	said map[string]time.Time // when last
}

// note keeps a complaint; of too many, the newest.
func (t *trouble) note(what string) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	if t.said == nil {
		t.said = map[string]time.Time{}
	}
	now := t.now()
	maps.DeleteFunc(t.said, func(_ string, last time.Time) bool { return now.Sub(last) >= troubleTime })
	t.said[what] = now
	if len(t.said) > maxTrouble {
		delete(t.said, slices.MinFunc(slices.Collect(maps.Keys(t.said)), func(a, b string) int {
			return cmp.Or(t.said[a].Compare(t.said[b]), cmp.Compare(a, b))
		}))
	}
}

// list is what there is to complain about now, in order.
func (t *trouble) list(now time.Time) (out []string) {
	t.mtx.Lock()
	defer t.mtx.Unlock()
	for _, what := range slices.Sorted(maps.Keys(t.said)) {
		if now.Sub(t.said[what]) < troubleTime {
			out = append(out, what)
		}
	}
	return out
}

// listener is a slog.Handler that passes everything on, and notes the errors.
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

// inWords says what is wrong so that who reads it knows what to do.
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
