package monitor

import (
	"context"

	"github.com/gorowatch/gorowatch/internal/monitor/enrich"
)

// sources returns the systems that know more about services with leaks, with the present options.
func (m *Monitor) sources() *enrich.Sources {
	return &enrich.Sources{
		Memory: m.o.Memory, Versions: m.o.Versions, Targets: m.o.Targets,
		GroupBy: m.o.GroupBy, VersionLabel: m.o.VersionLabel, Interval: m.o.Interval,
		Logger: m.logger, Journal: m.journal,
	}
}

// ask asks questions in the background.
func (m *Monitor) ask(ctx context.Context, questions []enrich.Question) {
	for _, q := range questions {
		m.pulls.Go(func() {
			if answer := q.Ask(ctx); answer != nil {
				m.inbox.put(enrichResult{answer}, false)
			}
		})
	}
}
