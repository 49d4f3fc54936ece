package pages

import (
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/setup"
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
	Today   time.Time // of texts that have times without a date
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
		f.Starting = setup.Starting(h.o.Backend.Status().Series)
	}
	f.Today = h.o.Backend.Now()
	f.Now = h.stamp(f.Today)
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
	Day   time.Time // of texts that were written then
	Ago   string    // "12 min ago"; empty for the future and the zero time
}

func (h *Handler) stamp(t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	now := h.o.Backend.Now()
	s := stamp{Text: human.Time(t, now), ISO: t.UTC().Format(time.RFC3339), Day: t}
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
