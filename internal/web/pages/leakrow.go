package pages

import (
	"net/url"
	"strings"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/spark"
	"github.com/gorowatch/gorowatch/leak"
)

// leakRow is a leak in a list.
type leakRow struct {
	URL        string
	Service    string
	ServiceURL string
	ID         string
	State      string
	StateWords string
	Evidence   string
	Confidence string // in percent; empty: unknown
	Func       string // without the path of its package; empty: unattributed
	FullFunc   string
	Place      string
	Op, Wait   string
	Rate       string
	Interval   string
	Leaked     string
	Instances  string
	Version    string
	Projection string
	Left       string // the time until an instance is full, in short
	Onset      stamp
	Updated    stamp
	Plateaued  stamp // zero while it grows
	NoData     stamp // since when its instances have no samples; zero: they have
	Pause      string
	Resolved   stamp
	Resolution string
	Spark      spark.Spark
}

// leakRow makes the row of a leak.
func (h *Handler) leakRow(l leak.Leak) leakRow {
	r := leakRow{
		URL:        h.base + "/leaks/" + url.PathEscape(l.ID),
		Service:    human.Line(alerting.ServiceName(l.Service), maxName),
		ServiceURL: h.serviceURL(l.Service),
		ID:         human.Line(l.ID, maxName),
		State:      word(leak.State(query.StateOf(l))),
		StateWords: stateWords[query.StateOf(l)],
		Evidence:   word(l.Evidence),
		Rate:       human.Number(l.Rate.Value),
		Leaked:     human.Number(l.Leaked),
		Instances:  instances(l),
		Version:    human.Line(l.Version, 40),
		Projection: alerting.Projection(l, h.alerts()),
		Onset:      h.stamp(l.Onset),
		Updated:    h.stamp(l.UpdatedAt),
		Plateaued:  h.stamp(l.PlateauedAt),
		NoData:     h.stamp(l.NoDataSince),
		Pause:      alerting.Pause(l),
		Resolved:   h.stamp(l.ResolvedAt),
		Resolution: human.Line(l.Resolution, maxWords),
	}
	if l.Confidence > 0 {
		r.Confidence = alerting.Confidence(l)
	}
	if left := alerting.HoursLeft(l, h.alerts()); left > 0 {
		r.Left = strings.TrimPrefix(human.Hours(left), "over ") + " left"
	} else if left <= 0 {
		r.Left = "full"
	}
	if l.Rate.Low < l.Rate.High {
		r.Interval = human.Number(l.Rate.Low) + " to " + human.Number(l.Rate.High)
	}
	if len(l.Stacks) > 0 {
		s := l.Stacks[0]
		r.FullFunc = human.Func(s.Key.Func, maxFunc)
		r.Func = r.FullFunc[strings.LastIndexByte(r.FullFunc, '/')+1:]
		r.Place = human.Line(human.Place(s.Key.File, s.Key.Line), maxName)
		r.Op = human.Line(s.Op, maxName)
		if s.Wait > 0 {
			r.Wait = human.Duration(s.Wait)
		}
	}
	return r
}

// instances says on how many of its service's instances a leak is.
func instances(l leak.Leak) string {
	n := human.Count(int64(len(l.Instances)))
	if l.InstancesTotal < len(l.Instances) {
		return n
	}
	return n + " of " + human.Count(int64(l.InstancesTotal))
}
