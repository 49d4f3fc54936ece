package enrich

import (
	"context"
	"log/slog"
	"time"

	"github.com/gorowatch/gorowatch/internal/monitor/journal"
)

// Sources are the systems to ask, and how often. A nil source is never asked.
type Sources struct {
	Memory   MemorySource
	Versions VersionSource
	Targets  TargetSource
	// GroupBy has the names of the labels that make a service.
	GroupBy []string
	// VersionLabel is the label of the instances that has their version; if it is set, Versions is
	// not asked.
	VersionLabel string
	// Interval is the time between two evaluations.
	Interval time.Duration

	Logger  *slog.Logger
	Journal *journal.Journal
}

// Schedule is when a system was last asked about all services together.
type Schedule struct{ versions time.Time }

// Question is a question to a system.
type Question interface {
	// Ask asks the system, and may run in the background. It returns nil if there is no answer.
	Ask(ctx context.Context) Answer
}

// Answer is the answer to a Question.
type Answer interface {
	// Apply passes the answer to the services.
	Apply()
}
