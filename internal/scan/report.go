package scan

import (
	"encoding/json"
	"io"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/leak"
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
	// Signals are the metrics by which the instances were read at the end.
	Signals []v1.SignalUse `json:"signals,omitempty"`
	Leaks   []v1.Leak      `json:"leaks"`

	Compare *comparison  `json:"compare,omitempty"`
	Explain *explanation `json:"explain,omitempty"`
}

// comparison is a Comparison.
type comparison struct {
	Expr      string     `json:"expr"`
	For       string     `json:"for"`
	Both      int        `json:"both"`
	OnlyHere  int        `json:"only_gorowatch"`
	OnlyRule  int        `json:"only_rule"`
	Recovered int        `json:"recovered"` // of only_rule
	Services  []compared `json:"services"`
}

type compared struct {
	// Service has the labels of a service, or of a series of the rule without a service.
	Service    labels.Labels `json:"service"`
	DetectedAt *time.Time    `json:"detected_at"`
	State      leak.State    `json:"state,omitempty"`
	FiredAt    *time.Time    `json:"fired_at"`
	Firings    int           `json:"firings"`
	Firing     bool          `json:"firing"` // at the end
	Recovered  bool          `json:"recovered"`
	// Lead is by how many seconds gorowatch was first; negative: the rule was.
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
	Why           string       `json:"why"` // the verdict as a sentence
	Confidence    float64      `json:"confidence"`
	GrowthPerHour v1.Interval  `json:"growth_per_hour"`
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
	Why           string       `json:"why,omitempty"`
	Confidence    float64      `json:"confidence"`
	Z             float64      `json:"z"`
	GrowthPerHour v1.Interval  `json:"growth_per_hour"`
	Onset         *time.Time   `json:"onset"`
	Level         float64      `json:"level"` // without the growth
	Grown         float64      `json:"grown"`
	Decides       bool         `json:"decides"`
	Reasons       *v1.Reasons  `json:"reasons,omitempty"`
}

func (c *Comparison) report() *comparison {
	out := &comparison{
		Expr: c.Rule.Expr, For: c.Rule.For.String(), Both: c.Both, OnlyHere: c.OnlyHere, OnlyRule: c.OnlyRule, Recovered: c.Recovered,
		Services: []compared{},
	}
	for _, x := range c.Services {
		s := compared{
			Service: x.Labels, DetectedAt: v1.Time(x.Detected), State: x.State, FiredAt: v1.Time(x.Fired),
			Firings: x.Firings, Firing: x.Firing, Recovered: x.Recovered, Series: append([]labels.Labels{}, x.Series...),
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
		change: change{m.Time.UTC(), v.Status, v.Gate},
		Why:    v1.Reason{Status: v.Status, Gate: v.Gate, Confidence: v.Confidence, Wait: v.Wait}.Text(), Confidence: v.Confidence, GrowthPerHour: v1.NewInterval(v.Rate), Leaked: v.Leaked, Assessments: []assessment{},
	}
	if v.Scale > 0 {
		out.Scale = v.Scale.String()
	}
	for _, a := range m.Assessments {
		why := ""
		if a.Status != "" {
			why = v1.NewReason(a).Text()
		}
		out.Assessments = append(out.Assessments, assessment{
			Instance: a.Instance, Scale: a.Scale.String(), Blocks: a.Blocks, Status: a.Status, Gate: a.Gate, Why: why, Confidence: a.Confidence, Z: a.Z,
			GrowthPerHour: v1.NewInterval(a.Rate), Onset: v1.Time(a.Onset), Level: a.Level, Grown: a.Grown,
			Decides: a.Decides, Reasons: v1.NewReasons(a.Reasons),
		})
	}
	return out
}

// signals returns Signals as in the API.
func (r *Result) signals() (out []v1.SignalUse) {
	for _, u := range r.Signals {
		out = append(out, v1.SignalUse{Signal: u.Signal, Metric: u.Name, Instances: u.Instances})
	}
	return out
}

// JSON writes the result in the form that programs read.
func (r *Result) JSON(w io.Writer) error {
	out := report{
		Start: r.Start.UTC(), End: r.End.UTC(), Step: r.Step.String(),
		ServicesScanned: r.Services, SeriesScanned: r.Series, Warnings: r.Warnings, Signals: r.signals(), Leaks: []v1.Leak{},
	}
	for _, l := range r.Leaks {
		out.Leaks = append(out.Leaks, v1.NewFinding(l))
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
