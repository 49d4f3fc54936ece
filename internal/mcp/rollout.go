package mcp

import (
	"context"
	"errors"
	"net/url"
	"strings"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
)

type rolloutIn struct {
	Match string `json:"match" jsonschema:"matchers of the labels of the service, as in Prometheus: namespace=\"prod\",job=\"checkout\""`
	Since string `json:"since,omitempty" jsonschema:"when the rollout began: RFC 3339, Unix seconds, or how long ago, such as 20m; 30m without it"`
}

type rollout struct {
	Verdict  string    `json:"verdict" jsonschema:"pass, fail, or undecided: too early to tell"`
	Since    string    `json:"since"`
	Reasons  []string  `json:"reasons" jsonschema:"the weightiest first"`
	Services []service `json:"services"`
}

// service is one of those that a rollout has changed.
type service struct {
	ID           string            `json:"id"`
	Labels       map[string]string `json:"labels"`
	Verdict      string            `json:"verdict"`
	NewProcesses int               `json:"new_processes"`
	OldProcesses int               `json:"old_processes"`
	Leaks        []string          `json:"leaks" jsonschema:"ids for explain_leak"`
	Page         string            `json:"page"`
}

func (t *tools) rolloutVerdict(ctx context.Context, in rolloutIn) (rollout, error) {
	if strings.TrimSpace(in.Match) == "" {
		return rollout{}, errors.New(`match is empty, expected matchers such as job="checkout"`)
	}
	q := url.Values{"match": {in.Match}}
	setIf(q, "since", in.Since)
	var v v1.RolloutVerdict
	if err := t.api.Get(ctx, q, &v, "verdict"); err != nil {
		return rollout{}, err
	}
	out := rollout{Verdict: v.Verdict, Since: when(&v.Since), Reasons: []string{}, Services: []service{}}
	for _, r := range v.Reasons[:min(len(v.Reasons), maxLeaks)] {
		out.Reasons = append(out.Reasons, human.Line(r, maxText))
	}
	for _, s := range v.Services {
		out.Services = append(out.Services, service{s.ID, s.Labels.Map(), s.Verdict, s.NewProcesses, s.OldProcesses, append([]string{}, s.Leaks...), t.api.Page("services", s.ID)})
	}
	return out, nil
}
