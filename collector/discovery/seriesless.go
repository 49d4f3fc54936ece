package discovery

import (
	"iter"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// WithoutSeries lists the labels of the targets that belong to none of the instances and may be
// asked: those of the configuration and of service discovery, not what Prometheus scrapes. It
// makes no request.
func (f *Finder) WithoutSeries(now time.Time, instances iter.Seq[labels.Labels]) (out []labels.Labels) {
	s := f.Survey(now)
	if s.used == nil {
		return nil
	}
	for ls := range instances {
		s.Has(ls)
	}
	add := func(at spot, ls labels.Labels) {
		if where := at.where(); !s.used[where] {
			s.used[where] = true // several sets may find it
			out = append(out, ls)
		}
	}
	for _, t := range f.o.Static {
		ls := t.Labels
		if !ls.Has("instance") {
			ls = labels.NewBuilder(ls).Set("instance", t.Address).Labels()
		}
		add(t.spot(), ls)
	}
	if f.o.Discovered == nil {
		return out
	}
	for _, e := range f.o.Discovered.Endpoints(now) {
		if e.Err != nil {
			continue
		}
		ls := e.Labels
		if !ls.Has("job") && e.Job != "" {
			ls = labels.NewBuilder(ls).Set("job", e.Job).Labels()
		}
		add(spot{endpoint: e}, ls)
	}
	return out
}
