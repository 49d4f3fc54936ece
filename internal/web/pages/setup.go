package pages

import (
	"fmt"
	"net/http"

	"github.com/gorowatch/gorowatch/internal/web/setup"
)

// setupPage checks what gorowatch needs, one by one.
type setupPage struct {
	Checks []setup.Check
	Failed int
}

// setup shows what works and what does not, each with its fix.
func (h *Handler) setup(w http.ResponseWriter, r *http.Request) {
	targets, _ := h.view.Targets()
	p := setupPage{Checks: setup.Run(h.o.Backend.Status(), targets)}
	for _, c := range p.Checks {
		if c.State == setup.Failed {
			p.Failed++
		}
	}
	title := "Setup"
	if p.Failed > 0 {
		title = fmt.Sprintf("(%d) Setup", p.Failed)
	}
	h.render(w, r, http.StatusOK, "setup", title, p)
}
