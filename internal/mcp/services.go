package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
)

type serviceVerdictIn struct {
	Service string `json:"service" jsonschema:"the id of a service, or a part of its name"`
}

type verdict struct {
	ID            string            `json:"id"`
	Service       map[string]string `json:"service"`
	Status        string            `json:"status" jsonschema:"quiet, suspicious, provisional, leaking or plateaued"`
	Gate          string            `json:"gate,omitempty" jsonschema:"why it is not taken for a leak"`
	Why           string            `json:"why"`
	Confidence    float64           `json:"confidence"`
	Goroutines    float64           `json:"goroutines"`
	GrowthPerHour float64           `json:"growth_per_hour"`
	Instances     []reason          `json:"instances"`
	Leaks         []string          `json:"leaks" jsonschema:"ids of its open leaks"`
	Page          string            `json:"page"`
}

// reason is why an instance is judged as it is.
type reason struct {
	Instance     string             `json:"instance" jsonschema:"all together, or one"`
	Status       string             `json:"status"`
	Why          string             `json:"why"`
	Explanations map[string]float64 `json:"explanations,omitempty" jsonschema:"what may be behind the growth, with probabilities"`
}

func (t *tools) serviceVerdict(ctx context.Context, in serviceVerdictIn) (verdict, error) {
	id, err := t.serviceID(ctx, in.Service)
	if err != nil {
		return verdict{}, err
	}
	var s v1.ServiceDetail
	if err := t.api.Get(ctx, nil, &s, "services", id); err != nil {
		return verdict{}, err
	}
	out := verdict{
		ID: s.ID, Service: s.Labels.Map(), Status: string(s.Status), Gate: string(s.Gate), Why: s.Why, Confidence: s.Confidence,
		Goroutines: float64(s.Goroutines), GrowthPerHour: float64(s.GrowthPerHour.Value), Instances: []reason{}, Leaks: append([]string{}, s.Leaks...),
		Page: t.api.Page("services", s.ID),
	}
	for _, a := range s.Assessments {
		if !a.Decides || len(out.Instances) == 20 {
			continue
		}
		r := reason{Instance: a.Instance, Status: string(a.Status), Why: a.Why}
		if r.Instance == "" {
			r.Instance = "all together"
		}
		if a.Reasons != nil {
			r.Explanations = map[string]float64{}
			for _, e := range a.Reasons.Explanations {
				if e.Probability >= 0.01 {
					r.Explanations[e.Name] = float64(e.Probability)
				}
			}
		}
		out.Instances = append(out.Instances, r)
	}
	return out, nil
}

// serviceID returns the id of the one service that a name fits.
func (t *tools) serviceID(ctx context.Context, name string) (string, error) {
	if strings.TrimSpace(name) == "" {
		return "", errors.New("service is empty, expected the id of a service or a part of its name")
	}
	var found struct {
		Services []v1.Service
		Total    int
	}
	if err := t.api.Get(ctx, url.Values{"q": {name}, "limit": {"10"}}, &found, "services"); err != nil {
		return "", err
	}
	var names []string
	for _, s := range found.Services {
		full := alerting.ServiceName(s.Labels)
		if full == name || s.Labels.Get("job") == name && found.Total == 1 {
			return s.ID, nil
		}
		names = append(names, human.Line(full, maxText)+" ("+s.ID+")")
	}
	switch {
	case found.Total == 1:
		return found.Services[0].ID, nil
	case found.Total > 1:
		return "", fmt.Errorf("%q fits %d services, expected one of %s", human.Line(name, 60), found.Total, strings.Join(names, ", "))
	}
	return name, nil // an id, or there is none: the API says so
}

type compareIn struct {
	Base string `json:"base,omitempty" jsonschema:"key of the profile before, as explain_leak has it; without one, all is new"`
	Head string `json:"head" jsonschema:"key of the profile after"`
}

type comparison struct {
	Growth int64      `json:"growth" jsonschema:"goroutines more in head"`
	Stacks []stackOut `json:"stacks" jsonschema:"those that changed most"`
	More   int        `json:"more" jsonschema:"stacks that changed and are not listed"`
	Page   string     `json:"page"`
}

func (t *tools) compareProfiles(ctx context.Context, in compareIn) (comparison, error) {
	if in.Head == "" {
		return comparison{}, errors.New("head is empty, expected the key of a profile")
	}
	q := url.Values{"head": {in.Head}}
	setIf(q, "base", in.Base)
	var d v1.Diff
	if err := t.api.Get(ctx, q, &d, "diff"); err != nil {
		return comparison{}, err
	}
	const most = 10
	out := comparison{Growth: d.Growth, Stacks: []stackOut{}, More: d.More + max(0, len(d.Stacks)-most), Page: t.api.Page("compare") + "?" + q.Encode()}
	for _, s := range d.Stacks[:min(len(d.Stacks), most)] {
		out.Stacks = append(out.Stacks, newStack(s))
	}
	return out, nil
}

type scanIn struct {
	Start    string `json:"start,omitempty" jsonschema:"RFC 3339; a week before end without it"`
	End      string `json:"end,omitempty" jsonschema:"RFC 3339; now without it"`
	Selector string `json:"selector,omitempty" jsonschema:"a selector of series, as in Prometheus: {namespace=\"prod\"}"`
}

// maxRange bounds what is scanned at once.
const maxRange = 31 * 24 * time.Hour

func (t *tools) scanRange(ctx context.Context, in scanIn) (leaks, error) {
	end := time.Now()
	if in.End != "" {
		var err error
		if end, err = time.Parse(time.RFC3339, in.End); err != nil {
			return leaks{}, fmt.Errorf("end: %q: expected a time as 2006-01-02T15:04:05Z", human.Line(in.End, 60))
		}
	}
	start := end.Add(-7 * 24 * time.Hour)
	if in.Start != "" {
		var err error
		if start, err = time.Parse(time.RFC3339, in.Start); err != nil {
			return leaks{}, fmt.Errorf("start: %q: expected a time as 2006-01-02T15:04:05Z", human.Line(in.Start, 60))
		}
	}
	if d := end.Sub(start); d <= 0 || d > maxRange {
		return leaks{}, fmt.Errorf("from %s to %s: expected start before end, and at most 31 days", start.Format(time.RFC3339), end.Format(time.RFC3339))
	}
	found, err := t.scan(ctx, start, end, in.Selector)
	if err != nil {
		return leaks{}, err
	}
	out := leaks{Leaks: []row{}, Total: len(found)}
	for _, l := range found[:min(len(found), maxLeaks)] {
		out.Leaks = append(out.Leaks, t.row(l))
	}
	return out, nil
}
