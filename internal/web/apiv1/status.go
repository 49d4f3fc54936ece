package apiv1

import (
	"maps"
	"net/http"
	"strings"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// status sends the state of gorowatch.
func (h *Handler) status(w http.ResponseWriter, r *http.Request) {
	a := v1.ServerStatus{
		Ready: h.o.Backend.Ready(), Started: v1.Time(h.o.Started), Build: map[string]string{}, Flags: map[string]string{},
		Series: v1.SeriesStatus{Signals: []v1.SignalUse{}}, Notices: []string{}, Alertmanagers: []v1.AlertmanagerStatus{}, Discovery: v1.DiscoveryStatus{Sets: []v1.DiscoverySet{}, Problems: []string{}},
	}
	for _, p := range view.Build() {
		a.Build[strings.ToLower(p.Name)] = p.Value
	}
	maps.Copy(a.Flags, h.o.Flags)
	now := h.o.Backend.Status()
	a.Config = now.Config
	a.Notices = append(a.Notices, h.o.Backend.Notices()...)
	if s := now.Series; s != nil {
		a.Series = v1.SeriesStatus{Source: s.Source, HistorySeconds: s.History.Seconds(), Done: s.Done, Read: v1.Time(s.Read), Readings: s.Cycles, Error: s.Error, Signals: []v1.SignalUse{}}
		for _, u := range s.Uses {
			a.Series.Signals = append(a.Series.Signals, v1.SignalUse{Signal: u.Signal, Metric: u.Name, Instances: u.Instances})
		}
	}
	if d := now.Discovery; d != nil {
		for _, s := range d.Sets {
			a.Discovery.Sets = append(a.Discovery.Sets, v1.DiscoverySet(s))
		}
		a.Discovery.Problems = append(a.Discovery.Problems, d.Problems...)
	}
	if s := now.Storage; s != nil {
		a.Storage = v1.StorageStatus{URL: s.URL, RetentionSeconds: s.Retention.Seconds(), Error: s.Error}
	}
	for _, m := range now.Alertmanagers {
		a.Alertmanagers = append(a.Alertmanagers, v1.AlertmanagerStatus{
			URL: m.URL, State: string(m.State), Since: v1.Time(m.Since), LastSuccess: v1.Time(m.LastSuccess), LastError: m.LastError,
			Queued: m.Queued, Capacity: m.Capacity, Sent: m.Sent, Dropped: m.Dropped,
		})
	}
	h.json.Send(w, r, a)
}
