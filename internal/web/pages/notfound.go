package pages

import (
	"net/http"
	"net/url"

	"github.com/gorowatch/gorowatch/internal/human"
)

// notFoundPage names what was not found, and lists the open leaks.
type notFoundPage struct {
	What string
	leaksPage
}

// showNotFound answers that something does not exist, and lists the open leaks.
func (h *Handler) showNotFound(w http.ResponseWriter, r *http.Request, title, what string) {
	r = r.Clone(r.Context())
	r.URL = &url.URL{Path: "/"} // the list without a filter
	h.render(w, r, http.StatusNotFound, "notfound", title, notFoundPage{What: what, leaksPage: h.leaksPage(r)})
}

// NotFound answers requests for paths that do not exist.
func (h *Handler) NotFound(w http.ResponseWriter, r *http.Request) {
	h.showNotFound(w, r, "Not found", "There is no page at "+human.Line(r.URL.Path, 80)+".")
}
