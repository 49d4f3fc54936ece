package pages

import (
	"maps"
	"net/http"
	"runtime"
	"slices"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/setup"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

type statusPage struct {
	Build, Flags             []pair
	Runtime, Series, Storage []fact
	Discovery                []fact
	Alertmanagers            []alertmanagerRow
	Config                   string
}

// fact is a name and its value, or a time instead of the value. Bad marks a problem.
type fact struct {
	pair
	At  stamp
	Bad bool
}

type alertmanagerRow struct {
	URL                 string
	State               string
	Since, LastSuccess  stamp
	Error               string
	Queued, Capacity    string
	Sent, Dropped       string
	HasDropped, Waiting bool
}

// buildPairs returns what the program knows about its build.
func buildPairs() (all []pair) {
	for _, fact := range view.Build() {
		all = append(all, pair(fact))
	}
	return all
}

func (h *Handler) status(w http.ResponseWriter, r *http.Request) {
	now := h.o.Backend.Status()
	p := statusPage{
		Build: buildPairs(),
		Runtime: []fact{
			{pair: pair{"Goroutines", human.Count(int64(runtime.NumGoroutine()))}},
			{pair: pair{"GOMAXPROCS", human.Count(int64(runtime.GOMAXPROCS(0)))}},
			{pair: pair{"External URL", h.o.ExternalURL.Redacted()}},
		},
		Series: h.seriesFacts(now.Series), Discovery: discoveryFacts(now.Discovery), Storage: storageFacts(now.Storage), Config: now.Config,
	}
	if s := h.stamp(h.o.Started); s.Text != "" {
		p.Runtime = slices.Insert(p.Runtime, 0, fact{pair: pair{Name: "Started"}, At: s})
	}
	for _, name := range slices.Sorted(maps.Keys(h.o.Flags)) {
		p.Flags = append(p.Flags, pair{"--" + name, human.Line(h.o.Flags[name], maxWords)})
	}
	for _, a := range now.Alertmanagers {
		p.Alertmanagers = append(p.Alertmanagers, alertmanagerRow{
			URL:         human.Line(a.URL, maxWords),
			State:       word(a.State),
			Since:       h.stamp(a.Since),
			LastSuccess: h.stamp(a.LastSuccess),
			Error:       human.Line(a.LastError, maxWords),
			Queued:      human.Count(int64(a.Queued)),
			Capacity:    human.Count(int64(a.Capacity)),
			Sent:        human.Count(a.Sent),
			Dropped:     human.Count(a.Dropped),
			HasDropped:  a.Dropped > 0,
			Waiting:     a.Queued > 0,
		})
	}
	h.render(w, r, http.StatusOK, "status", "Status", p)
}

// seriesFacts says how far the counts have been read, and from which metrics.
func (h *Handler) seriesFacts(s *view.Series) []fact {
	if s == nil {
		return nil
	}
	out := []fact{{pair: pair{"Read from", human.Line(s.Source, maxWords)}}}
	progress := fact{pair: pair{"History", human.Percent(s.Done) + " of the last " + human.Duration(s.History) + " is read"}}
	if s.Done >= 1 {
		progress.Value = "all of it is read, in " + human.Plural(int64(s.Cycles), "reading", "readings") + " so far"
	}
	out = append(out, progress)
	if read := h.stamp(s.Read); read.Text != "" {
		out = append(out, fact{pair: pair{Name: "Read up to"}, At: read})
	}
	for _, signal := range [][2]string{{"goroutines", "Goroutines"}, {"load", "Load"}, {"start_time", "Start of the process"}} {
		if text := setup.UsesText(s.Uses, signal[0]); text != "" {
			out = append(out, fact{pair: pair{signal[1], text}})
		}
	}
	if s.Error != "" {
		out = append(out, fact{pair: pair{"Error", human.Line(s.Error, maxWords)}, Bad: true})
	}
	return out
}

// discoveryFacts says what service discovery finds, and which problems it has.
func discoveryFacts(d *view.Discovery) (out []fact) {
	if d == nil {
		return nil
	}
	for _, s := range d.Sets {
		out = append(out, fact{pair: pair{human.Line(s.Name, maxName), human.Plural(int64(s.Targets), "target", "targets")}})
	}
	for _, problem := range d.Problems {
		out = append(out, fact{pair: pair{"Problem", human.Line(problem, maxWords)}, Bad: true})
	}
	return out
}

// storageFacts says which bucket is used, and whether it can be written.
func storageFacts(s *view.Storage) []fact {
	if s == nil {
		return nil
	}
	out := []fact{
		{pair: pair{"Bucket", human.Line(s.URL, maxWords)}},
		{pair: pair{"Retention", human.Duration(s.Retention)}},
		{pair: pair{"State", "can be written"}},
	}
	if s.Error != "" {
		out[2] = fact{pair: pair{"State", "cannot be written: " + human.Line(s.Error, maxWords)}, Bad: true}
	}
	return out
}
