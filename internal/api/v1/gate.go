package v1

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// RolloutVerdict says whether a rollout may continue: pass, fail or undecided.
type RolloutVerdict struct {
	Verdict string    `json:"verdict"`
	Since   time.Time `json:"since"`
	// Reasons are sentences, the weightiest first.
	Reasons  []string         `json:"reasons"`
	Services []ServiceRollout `json:"services"`
}

// ServiceRollout is the verdict on one service.
type ServiceRollout struct {
	ID      string        `json:"id"`
	Labels  labels.Labels `json:"labels"`
	Verdict string        `json:"verdict"`
	Reasons []string      `json:"reasons"`
	// NewProcesses have started since, OldProcesses before.
	NewProcesses int `json:"new_processes"`
	OldProcesses int `json:"old_processes"`
	// Leaks are the open leaks that fired since.
	Leaks []string `json:"leaks"`
}
