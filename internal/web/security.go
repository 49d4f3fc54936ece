package web

import (
	"net/http"
	"slices"

	"github.com/gorowatch/gorowatch/internal/web/inbound"
)

// secure sets the headers that forbid a browser everything that these pages do not need, and
// refuses changes from pages of other sites.
func secure(next http.Handler) http.Handler {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	guarded := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		guarded.ServeHTTP(w, r)
	})
}

// openPaths are answered under every name, because probes and scrapes use whatever name the
// platform has for the process.
var openPaths = []string{"/-/healthy", "/-/ready", "/metrics"}

// checkHost answers only requests to allowed hosts, except for the open paths and the webhook,
// which checks its token first.
func (h *Handler) checkHost(next http.Handler) http.Handler {
	guarded := h.hosts.Guard(next, h.o.Backend)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(openPaths, r.URL.Path) || r.URL.Path == inbound.Path {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}
