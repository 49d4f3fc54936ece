package pages

import (
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/setup"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// The longest texts that pages show, in characters, because a hostile name must not make a page
// unreadable.
const (
	maxName  = view.MaxName
	maxFunc  = view.MaxFunc
	maxWords = view.MaxWords
	maxLink  = view.MaxLink
)

// frame is what the layout shows around every page.
type frame struct {
	Base    string // path with which every link begins
	Version string
	Section string // of the navigation, which the page belongs to
	Charts  bool   // the page has charts
	Live    int    // seconds between two refreshes; 0: it does not refresh
	Title   string
	Now     stamp
	Today   time.Time // the day of times without a date in a text
	Ready   bool
	// Starting says what happens until the first evaluation is done.
	Starting string
	Notices  []string
	Data     any
}

// sections has the section of the navigation that each page belongs to.
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

// stamp is a time in the forms that templates need. The zero stamp stands for no time.
type stamp struct {
	Text  string // "14:02 UTC", or with the date
	Short string // likewise, without the year if that is the present one
	ISO   string
	Day   time.Time // the time itself; texts written then have times without a date
	Ago   string    // "12 min ago"; empty for a time in the future
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
