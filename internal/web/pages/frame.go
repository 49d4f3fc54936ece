package pages

import (
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// Lengths of what is shown, in characters: a hostile name must not make a page
// unreadable.
const (
	maxName  = view.MaxName
	maxFunc  = view.MaxFunc
	maxWords = view.MaxWords
	maxLink  = view.MaxLink
)

// frame is what the layout shows around every page.
type frame struct {
	Base    string // of every link
	Version string
	Section string // of the navigation
	Charts  bool   // the page has some
	Live    int    // seconds between two refreshes; 0: it stays as it is
	Title   string
	Now     stamp
	Ready   bool
	// Starting says what happens until the first evaluation is done.
	Starting string
	Notices  []string
	Data     any
}

// sections are what the pages belong to.
var sections = map[string]string{
	"leaks": "leaks", "leak": "leaks", "services": "services", "service": "services", "fleet": "services", "compare": "services",
	"targets": "targets", "status": "status", "setup": "setup", "help": "help",
}

func (h *Handler) frame(page, title string, data any) frame {
	f := frame{
		Base:    h.base,
		Version: view.Version(),
		Section: sections[page],
		Charts:  page == "leak" || page == "service" || page == "compare",
		Title:   human.Line(title, maxName),
		Ready:   h.o.Backend.Ready(),
		Data:    data,
	}
	if !f.Ready {
		f.Starting = h.starting()
	}
	f.Now = h.stamp(h.o.Backend.Now())
	for _, n := range h.o.Backend.Notices() {
		f.Notices = append(f.Notices, human.Line(n, maxWords))
	}
	return f
}

// stamp is a time: as words and as an attribute.
type stamp struct {
	Text  string // "14:02 UTC", or with the date
	Short string // likewise, without the year of the present
	ISO   string
	Ago   string // "12 min ago"; empty for the future and the zero time
}

func (h *Handler) stamp(t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	now := h.o.Backend.Now()
	s := stamp{Text: human.Time(t, now), ISO: t.UTC().Format(time.RFC3339)}
	s.Short = s.Text
	if u := t.UTC(); u.Year() == now.UTC().Year() {
		s.Short = strings.TrimPrefix(s.Text, u.Format("2006-"))
	}
	if d := now.Sub(t); d > 0 {
		s.Ago = human.Duration(d) + " ago"
	}
	return s
}

func (h *Handler) alerts() alerting.RenderOptions {
	o := h.o.Backend.RenderOptions()
	o.ExternalURL = h.o.ExternalURL
	return o
}

// starting says what happens until the first evaluation is done.
func (h *Handler) starting() string {
	s := h.o.Backend.Status().Series
	switch {
	case s == nil:
		return "the first evaluation is not done yet"
	case s.Error != "":
		return "the first evaluation is not done yet, because the series cannot be read: " + human.Line(s.Error, maxWords)
	case s.Done > 0 && s.Done < 1:
		return "the first evaluation is not done yet: " + human.Percent(s.Done) + " of the last " + human.Duration(s.History) + " is read"
	}
	return "the first evaluation is not done yet; the last " + human.Duration(s.History) + " is being read from " + human.Line(s.Source, maxWords)
}
