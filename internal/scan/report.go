package scan

import (
	"encoding/json"
	"io"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak"
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

// JSON writes the result in the form that programs read.
func (r *Result) JSON(w io.Writer) error {
	out := report{
		Start: r.Start.UTC(), End: r.End.UTC(), Step: r.Step.String(),
		ServicesScanned: r.Services, SeriesScanned: r.Series, Warnings: r.Warnings, Leaks: []finding{},
	}
	for _, l := range r.Leaks {
		f := finding{
			ID: l.ID, Service: l.Service, Instances: l.Instances, State: l.State, Evidence: l.Evidence,
			Onset: l.Onset.UTC(), DetectedAt: l.DetectedAt.UTC(),
			GrowthPerHour: growth(l.Rate), Leaked: l.Leaked, Stacks: []grownStack{},
		}
		if !l.ResolvedAt.IsZero() {
			at := l.ResolvedAt.UTC()
			f.ResolvedAt = &at
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
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
