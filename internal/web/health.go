package web

import (
	"io"
	"net/http"
)

// plain answers with a line of text.
func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n")
}

// ready reports whether the first evaluation is done.
func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	if !h.o.Backend.Ready() {
		plain(w, http.StatusServiceUnavailable, "gorowatch is not ready: the first evaluation is not done.")
		return
	}
	plain(w, http.StatusOK, "gorowatch is ready.")
}

// reload reloads the configuration, if that is allowed.
func (h *Handler) reload(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		w.Header().Set("Allow", "POST, PUT")
		plain(w, http.StatusMethodNotAllowed, "Only POST and PUT requests reload.")
	case h.o.Reloader == nil:
		plain(w, http.StatusForbidden, "The lifecycle API is not enabled: see --web.enable-lifecycle.")
	default:
		if err := h.o.Reloader.Reload(r.Context()); err != nil {
			plain(w, http.StatusInternalServerError, "Cannot reload the configuration: "+err.Error())
			return
		}
		plain(w, http.StatusOK, "Reloaded the configuration.")
	}
}
