package pages

import (
	"fmt"
	"net/http"

	"github.com/gorowatch/gorowatch/internal/web/setup"
)

// setupPage shows the checks of what gorowatch needs.
type setupPage struct {
	Checks []setup.Check
	Failed int
}

// setup shows what works and what does not, with a fix for what does not.
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
