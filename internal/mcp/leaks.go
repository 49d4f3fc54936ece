package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/api/client"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Bounds of an answer: an agent has to read all of it.
const (
	maxLeaks  = 50
	maxFrames = 20
	maxStacks = 5
	maxText   = 300

	maxCallers, maxLabels = 3, 3
)

// tools are what agents may call.
type tools struct {
	api  *client.Client
	scan func(ctx context.Context, start, end time.Time, selector string) ([]v1.Leak, error)
}

// row is a leak in a list.
type row struct {
	ID            string            `json:"id"`
	Service       map[string]string `json:"service"`
	State         string            `json:"state"`
	Evidence      string            `json:"evidence"`
	Confidence    float64           `json:"confidence" jsonschema:"the probability that this is a leak, 0 to 1"`
	Function      string            `json:"function,omitempty" jsonschema:"where the goroutines are stuck; absent while no stack is known"`
	GrowthPerHour float64           `json:"growth_per_hour"`
	Leaked        float64           `json:"leaked" jsonschema:"leaked goroutines that are there now"`
	Onset         string            `json:"onset,omitempty"`
	Page          string            `json:"page,omitempty"`
}

func (t *tools) row(l v1.Leak) row {
	out := row{
		ID: l.ID, Service: l.Service.Map(), State: string(l.State), Evidence: string(l.Evidence), Confidence: l.Confidence,
		GrowthPerHour: float64(l.GrowthPerHour.Value), Leaked: float64(l.Leaked), Onset: when(l.Onset),
	}
	if l.ID != "" && l.Details != nil {
		out.Page = t.api.Page("leaks", l.ID)
	}
	if len(l.Stacks) > 0 {
		out.Function = place(l.Stacks[0])
	}
	return out
}

// place returns where the goroutines of a stack are stuck.
func place(s v1.Stack) string {
	switch {
	case s.Origin != nil && s.Key != "":
		return human.Line(s.Key, maxText)
	case len(s.Frames) > 0:
		return human.Line(s.Frames[0], maxText)
	}
	return ""
}

func when(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

type listLeaksIn struct {
	State string `json:"state,omitempty" jsonschema:"firing, plateaued, suspected, resolved or ignored; all without it"`
	Match string `json:"match,omitempty" jsonschema:"matchers of the labels of the service, as in Prometheus: namespace=\"prod\",job=~\"a|b\""`
	Limit int    `json:"limit,omitempty" jsonschema:"at most so many, up to 50; 20 without it"`
}

type leaks struct {
	Leaks []row  `json:"leaks"`
	Total int    `json:"total" jsonschema:"how many there are, listed or not"`
	Page  string `json:"page,omitempty"`
}

func (t *tools) listLeaks(ctx context.Context, in listLeaksIn) (leaks, error) {
	q := url.Values{"limit": {strconv.Itoa(limit(in.Limit))}}
	setIf(q, "state", in.State)
	setIf(q, "match", in.Match)
	return t.find(ctx, q)
}

type findStacksIn struct {
	Function string `json:"function" jsonschema:"a part of the name of a function or of a file"`
	Limit    int    `json:"limit,omitempty" jsonschema:"at most so many leaks, up to 50; 20 without it"`
}

func (t *tools) findStacks(ctx context.Context, in findStacksIn) (leaks, error) {
	if strings.TrimSpace(in.Function) == "" {
		return leaks{}, errors.New("function is empty, expected a part of the name of a function or of a file")
	}
	return t.find(ctx, url.Values{"limit": {strconv.Itoa(limit(in.Limit))}, "q": {in.Function}})
}

// find lists leaks.
func (t *tools) find(ctx context.Context, q url.Values) (leaks, error) {
	var found struct {
		Leaks []v1.Leak
		Total int
	}
	if err := t.api.Get(ctx, q, &found, "leaks"); err != nil {
		return leaks{}, err
	}
	out := leaks{Leaks: []row{}, Total: found.Total, Page: t.api.Page("/")}
	for _, l := range found.Leaks {
		out.Leaks = append(out.Leaks, t.row(l))
	}
	return out, nil
}

// limit returns how many are listed if n are requested.
func limit(n int) int {
	if n <= 0 {
		return 20
	}
	return min(n, maxLeaks)
}

func setIf(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

type explainLeakIn struct {
	ID string `json:"id" jsonschema:"the id of the leak, as list_leaks has it"`
}

// explanation is all that a person needs to fix a leak.
type explanation struct {
	row
	Sentence       string             `json:"sentence"`
	Instances      []string           `json:"instances" jsonschema:"those that leak"`
	InstancesTotal int                `json:"instances_total"`
	Version        string             `json:"version,omitempty" jsonschema:"version of the service that began to leak"`
	Previous       string             `json:"previous_version,omitempty" jsonschema:"the version that ran before: the change between the two may have brought the leak"`
	DeployedAt     string             `json:"deployed_at,omitempty" jsonschema:"when the version that leaks began to run"`
	NeverEnds      string             `json:"never_ends,omitempty" jsonschema:"how many of the goroutines created never end"`
	Parts          map[string]float64 `json:"parts,omitempty" jsonschema:"log-odds that the confidence adds up from"`
	Missing        string             `json:"missing,omitempty" jsonschema:"why there is no further evidence"`
	Resolution     string             `json:"resolution,omitempty"`
	Stacks         []stackOut         `json:"stacks"`
	WhatToDo       string             `json:"what_to_do,omitempty"`
	Known          *v1.Known          `json:"known,omitempty" jsonschema:"a leak of a library that was reported in public, if this looks like one"`
	Kind           string             `json:"kind,omitempty" jsonschema:"for kinds_of_leaks"`
	Base           string             `json:"base,omitempty" jsonschema:"key of the profile before, for compare_profiles"`
	Head           string             `json:"head,omitempty" jsonschema:"key of the profile after"`
}

type stackOut struct {
	Function  string   `json:"function"`
	State     string   `json:"state" jsonschema:"what its goroutines wait in"`
	Base      int64    `json:"base"`
	Head      int64    `json:"head"`
	Frames    []string `json:"frames" jsonschema:"innermost first"`
	CreatedBy string   `json:"created_by,omitempty"`
	Blocked   string   `json:"blocked,omitempty" jsonschema:"the longest that one of them has been blocked"`
	Module    string   `json:"module,omitempty" jsonschema:"of the library that it is in, with its version"`
	Callers   []string `json:"callers,omitempty" jsonschema:"lines of the user's code that may have started goroutines of a library, the likeliest first"`
	Holder    string   `json:"holder,omitempty" jsonschema:"where the goroutine is that probably holds what these wait for"`
	Labels    []string `json:"leading_labels,omitempty" jsonschema:"values of pprof labels that most of the growth has; a value may be hashed"`
	Hint      string   `json:"hint,omitempty"`
	// Known is set in comparisons; an explanation has it once.
	Known *v1.Known `json:"known,omitempty" jsonschema:"a leak of a library that was reported in public, if this looks like one"`
}

func newStack(s v1.Stack) stackOut {
	out := stackOut{Function: place(s), State: human.Line(s.State, 60), Base: s.Base, Head: s.Head, Frames: []string{}}
	for _, f := range s.Frames[:min(len(s.Frames), maxFrames)] {
		out.Frames = append(out.Frames, human.Line(f, maxText))
	}
	if s.Origin != nil {
		out.CreatedBy = human.Line(s.CreatedBy, maxText)
	}
	if s.WaitSeconds > 0 {
		out.Blocked = human.Duration(time.Duration(s.WaitSeconds * float64(time.Second)))
	}
	if s.Module != nil {
		out.Module = human.Line(s.Module.Path+" "+s.Module.Version, maxText)
	}
	for _, c := range s.Callers[:min(len(s.Callers), maxCallers)] {
		out.Callers = append(out.Callers, human.Line(c.Frame, maxText))
	}
	if s.Holder != nil {
		out.Holder = human.Line(s.Holder.Key, maxText)
	}
	for _, l := range s.LeadingLabels[:min(len(s.LeadingLabels), maxLabels)] {
		out.Labels = append(out.Labels, human.Line(l.Key+"="+l.Value, maxText)+": "+human.Percent(float64(l.Share)))
	}
	if s.Hint != nil {
		out.Hint = s.Hint.Sentence
	}
	out.Known = s.Known
	return out
}

func (t *tools) explainLeak(ctx context.Context, in explainLeakIn) (explanation, error) {
	if in.ID == "" {
		return explanation{}, errors.New("id is empty, expected one that list_leaks has")
	}
	var l v1.Leak
	if err := t.api.Get(ctx, nil, &l, "leaks", in.ID); err != nil {
		return explanation{}, err
	}
	out := explanation{row: t.row(l), Instances: l.Instances, Stacks: []stackOut{}, Known: l.Known}
	out.Sentence = sentence(l, out.Function)
	if len(out.Instances) > maxLeaks {
		out.Instances = out.Instances[:maxLeaks]
	}
	out.NeverEnds = alerting.OneIn(leak.Leak{Rate: trend.Interval{Value: float64(l.GrowthPerHour.Value)}, Created: float64(l.CreatedPerHour)})
	for _, s := range l.Stacks[:min(len(l.Stacks), maxStacks)] {
		out.Stacks = append(out.Stacks, newStack(s))
	}
	if len(l.Stacks) > 0 && l.Stacks[0].Hint != nil {
		out.Kind, out.WhatToDo = l.Stacks[0].Hint.Kind, l.Stacks[0].Hint.Sentence
	}
	if d := l.Details; d != nil {
		out.InstancesTotal, out.Version, out.Missing, out.Resolution = d.InstancesTotal, human.Line(d.Version, maxText), human.Line(d.Missing, maxText), human.Line(d.Resolution, maxText)
		out.Previous, out.DeployedAt = human.Line(d.PreviousVersion, maxText), when(d.DeployedAt)
		out.Parts = map[string]float64{}
		for _, p := range d.Parts {
			out.Parts[p.Name] = p.LogOdds
		}
		if d.Base != nil {
			out.Base = d.Base.Key
		}
		if d.Head != nil {
			out.Head = d.Head.Key
		}
	}
	return out, nil
}

// sentence puts it in words.
func sentence(l v1.Leak, function string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s has leaked %s goroutines", human.Line(alerting.ServiceName(l.Service), maxText), human.Number(float64(l.Leaked)))
	if l.Onset != nil {
		b.WriteString(" since " + human.FullTime(*l.Onset))
	}
	if l.GrowthPerHour.Value > 0 {
		fmt.Fprintf(&b, ", and %s more each hour", human.Number(float64(l.GrowthPerHour.Value)))
	}
	if function != "" {
		b.WriteString(", in " + function)
	}
	b.WriteString(".")
	if l.ResolvedAt != nil {
		b.WriteString(" It ended at " + human.FullTime(*l.ResolvedAt))
		if l.Details != nil && l.Resolution != "" {
			b.WriteString(": " + human.Line(l.Resolution, maxText))
		}
		b.WriteString(".")
	}
	return b.String()
}
