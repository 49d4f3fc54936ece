package scan

import (
	"encoding/json"
	"io"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// report is the result as JSON, a contract of the command line.
type report struct {
	Start           time.Time `json:"start"`
	End             time.Time `json:"end"`
	Step            string    `json:"step"`
	ServicesScanned int       `json:"services_scanned"`
	SeriesScanned   int       `json:"series_scanned"`
	Warnings        []string  `json:"warnings,omitempty"`
	Leaks           []finding `json:"leaks"`

	Compare *comparison  `json:"compare,omitempty"`
	Explain *explanation `json:"explain,omitempty"`
}

type finding struct {
	ID            string        `json:"id"`
	Service       labels.Labels `json:"service"`
	Instances     []string      `json:"instances"`
	State         leak.State    `json:"state"`
	Evidence      leak.Evidence `json:"evidence"`
	Onset         time.Time     `json:"onset"`
	DetectedAt    time.Time     `json:"detected_at"`
	ResolvedAt    *time.Time    `json:"resolved_at"`
	PlateauedAt   *time.Time    `json:"plateaued_at,omitempty"`
	GrowthPerHour growth        `json:"growth_per_hour"`
	Leaked        float64       `json:"leaked"`
	Stacks        []grownStack  `json:"stacks"`
}

type growth struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

type grownStack struct {
	Signature string   `json:"signature"`
	Frames    []string `json:"frames"`
	State     string   `json:"state"`
	Base      int64    `json:"base"`
	Head      int64    `json:"head"`
	Delta     int64    `json:"delta"`
	Share     float64  `json:"share"`
}

// comparison is a Comparison.
type comparison struct {
	Expr     string     `json:"expr"`
	For      string     `json:"for"`
	Both     int        `json:"both"`
	OnlyHere int        `json:"only_gorowatch"`
	OnlyRule int        `json:"only_rule"`
	CameBack int        `json:"came_back"` // of only_rule
	Services []compared `json:"services"`
}

type compared struct {
	// Service is the labels of a service, or of a series of the rule that is of
	// none.
	Service    labels.Labels `json:"service"`
	DetectedAt *time.Time    `json:"detected_at"`
	State      leak.State    `json:"state,omitempty"`
	FiredAt    *time.Time    `json:"fired_at"`
	Firings    int           `json:"firings"`
	Firing     bool          `json:"firing"` // at the end
	CameBack   bool          `json:"came_back"`
	// Lead is by how many seconds gorowatch was first, negative: the rule was.
	Lead   *float64        `json:"lead_seconds"`
	Series []labels.Labels `json:"series"`
}

// explanation is an Explanation.
type explanation struct {
	Service    labels.Labels `json:"service"`
	Changes    []change      `json:"changes"`
	Detections []moment      `json:"detections"`
	End        moment        `json:"end"`
}

type change struct {
	Time   time.Time    `json:"time"`
	Status trend.Status `json:"status"`
	Gate   trend.Gate   `json:"gate"`
}

type moment struct {
	change
	GrowthPerHour growth       `json:"growth_per_hour"`
	Leaked        float64      `json:"leaked"`
	Scale         string       `json:"scale,omitempty"`
	Assessments   []assessment `json:"assessments"`
}

type assessment struct {
	Instance      string       `json:"instance"` // empty: all together
	Scale         string       `json:"scale"`    // length of a block
	Blocks        int          `json:"blocks"`
	Status        trend.Status `json:"status"` // empty: too few blocks
	Gate          trend.Gate   `json:"gate"`
	Z             float64      `json:"z"`
	GrowthPerHour growth       `json:"growth_per_hour"`
	Onset         *time.Time   `json:"onset"`
	Level         float64      `json:"level"` // without the growth
	Grown         float64      `json:"grown"`
}

// at is a time, or nothing.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func (c *Comparison) report() *comparison {
	out := &comparison{
		Expr: c.Rule.Expr, For: c.Rule.For.String(), Both: c.Both, OnlyHere: c.OnlyHere, OnlyRule: c.OnlyRule, CameBack: c.CameBack,
		Services: []compared{},
	}
	for _, x := range c.Services {
		s := compared{
			Service: x.Labels, DetectedAt: at(x.Detected), State: x.State, FiredAt: at(x.Fired),
			Firings: x.Firings, Firing: x.Firing, CameBack: x.CameBack, Series: append([]labels.Labels{}, x.Series...),
		}
		if d, ok := x.Lead(); ok {
			seconds := d.Seconds()
			s.Lead = &seconds
		}
		out.Services = append(out.Services, s)
	}
	return out
}

func (x *Explanation) report() *explanation {
	out := &explanation{Service: x.Service, Changes: []change{}, Detections: []moment{}, End: x.End.report()}
	for _, c := range x.Changes {
		out.Changes = append(out.Changes, change{c.Time.UTC(), c.Status, c.Gate})
	}
	for _, d := range x.Detections {
		out.Detections = append(out.Detections, d.report())
	}
	return out
}

func (m Moment) report() moment {
	v := m.Verdict
	out := moment{
		change: change{m.Time.UTC(), v.Status, v.Gate}, GrowthPerHour: growth(v.Rate), Leaked: v.Leaked, Assessments: []assessment{},
	}
	if v.Scale > 0 {
		out.Scale = v.Scale.String()
	}
	for _, a := range m.Assessments {
		out.Assessments = append(out.Assessments, assessment{
			Instance: a.Instance, Scale: a.Scale.String(), Blocks: a.Blocks, Status: a.Status, Gate: a.Gate, Z: a.Z,
			GrowthPerHour: growth(a.Rate), Onset: at(a.Onset), Level: a.Level, Grown: a.Grown,
		})
	}
	return out
}

// JSON writes the result in the form that programs read.
func (r *Result) JSON(w io.Writer) error {
	out := report{
		Start: r.Start.UTC(), End: r.End.UTC(), Step: r.Step.String(),
		ServicesScanned: r.Services, SeriesScanned: r.Series, Warnings: r.Warnings, Leaks: []finding{},
	}
	for _, l := range r.Leaks {
		f := finding{
			ID: l.ID, Service: l.Service, Instances: append([]string{}, l.Instances...), State: l.Phase(), Evidence: l.Evidence,
			Onset: l.Onset.UTC(), DetectedAt: l.DetectedAt.UTC(), ResolvedAt: at(l.ResolvedAt), PlateauedAt: at(l.PlateauedAt),
			GrowthPerHour: growth(l.Rate), Leaked: l.Leaked, Stacks: []grownStack{},
		}
		for _, s := range l.Stacks {
			g := grownStack{
				Signature: s.Signature, Frames: []string{}, State: s.Op,
				Base: s.Base, Head: s.Head, Delta: s.Delta(), Share: s.Share,
			}
			for _, fr := range s.Frames {
				g.Frames = append(g.Frames, fr.String())
			}
			f.Stacks = append(f.Stacks, g)
		}
		out.Leaks = append(out.Leaks, f)
	}
	if r.Comparison != nil {
		out.Compare = r.Comparison.report()
	}
	if r.Explanation != nil {
		out.Explain = r.Explanation.report()
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
