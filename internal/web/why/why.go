// Package why explains why a service is judged as it is: one sentence an instance, and the
// numbers behind it; and what shows each step of the evidence of a leak.
package why

import (
	"cmp"
	"slices"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/trend"
)

// Reasons are the verdicts on the instances of a service.
type Reasons struct {
	Instances []Instance
	Numbers   []Row
	// LeftInstances and LeftNumbers are how many more there are.
	LeftInstances, LeftNumbers int
}

// Instance is the verdict on an instance, or on all of them together.
type Instance struct {
	Name, Status, Sentence string
	// Parts are the parts of the log-odds of a leak; empty: nothing was weighed.
	Parts string
	// Help is the page of the documentation about the verdict.
	Help string
}

// Row is the assessment of one instance at one block length.
type Row struct {
	Instance, Scale, Status, Why, Help string
	Blocks, Rate, Grown, Z             string
}

// Bounds of what a page shows.
const (
	maxInstances = 50
	maxRows      = 60
	maxName      = 200
)

// Of sorts assessments: the most suspicious first, then all instances together.
func Of(all []trend.Assessment) (out Reasons) {
	all = slices.DeleteFunc(all, func(a trend.Assessment) bool { return a.Status == "" })
	slices.SortStableFunc(all, func(a, b trend.Assessment) int {
		return cmp.Or(view.CompareStatus(a.Status, b.Status), cmp.Compare(min(len(a.Instance), 1), min(len(b.Instance), 1)), cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(b.Z, a.Z))
	})
	for _, a := range all {
		if !a.Decides {
			continue
		}
		if len(out.Instances) == maxInstances {
			out.LeftInstances++
			continue
		}
		out.Instances = append(out.Instances, instance(a))
	}
	for _, a := range all[:min(len(all), maxRows)] {
		out.Numbers = append(out.Numbers, row(a))
	}
	out.LeftNumbers = len(all) - len(out.Numbers)
	return out
}

func name(a trend.Assessment) string {
	return human.Line(cmp.Or(a.Instance, "all together"), maxName)
}

func instance(a trend.Assessment) Instance {
	out := Instance{Name: name(a), Status: human.Line(string(a.Status), 20), Sentence: v1.Sentence(a), Help: v1.NewReason(a).Help()}
	if x := v1.NewReasons(a.Reasons); x != nil {
		out.Parts = v1.LogOddsText(x.Sum(), x.Parts)
	}
	return out
}

func row(a trend.Assessment) Row {
	out := Row{
		Instance: name(a), Scale: human.Duration(a.Scale), Status: human.Line(string(a.Status), 20),
		Why: v1.NewReason(a).Text(), Help: v1.NewReason(a).Help(), Blocks: human.Count(int64(a.Blocks)), Z: human.Number(a.Z),
	}
	if a.Grown > 0 {
		out.Rate, out.Grown = human.Number(a.Rate.Value), human.Number(a.Grown)
	}
	return out
}
