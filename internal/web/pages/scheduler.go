package pages

import (
	"math"
	"net/http"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
)

// schedulerPart says what Go's scheduler knows of the goroutines of a service. It is a part of the
// service's page, and empty if nothing is known.
type schedulerPart struct{ Problem, Text string }

func (h *Handler) scheduler(w http.ResponseWriter, r *http.Request) {
	s, _, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.fragment(w, r, http.StatusNotFound, "scheduler", schedulerPart{Problem: "there is no such service"})
		return
	}
	x, ok, err := h.view.Scheduler(r.Context(), s.Labels)
	if err != nil {
		h.o.Logger.Debug("Cannot query Go's scheduler metrics", "service", s.Labels, "err", err)
		h.fragment(w, r, http.StatusBadGateway, "scheduler", schedulerPart{Problem: human.Line(err.Error(), maxWords)})
		return
	}
	var p schedulerPart
	if ok {
		p.Text = schedulerText(x)
	}
	h.fragment(w, r, http.StatusOK, "scheduler", p)
}

// schedulerText says in words what the scheduler knows.
func schedulerText(x collector.Scheduler) string {
	var states []string
	for _, s := range []struct {
		n    float64
		text string
	}{{x.Waiting, "waiting"}, {x.Runnable, "runnable"}, {x.Running, "running"}, {x.NotInGo, "in system calls or C"}} {
		if !math.IsNaN(s.n) {
			states = append(states, human.Number(s.n)+" "+s.text)
		}
	}
	text := ""
	if len(states) > 0 {
		text = "By state: " + strings.Join(states, ", ") + "."
	}
	if !math.IsNaN(x.Created) {
		text += " " + human.Number(x.Created) + " goroutines are created per second."
	}
	return strings.TrimSpace(text)
}
