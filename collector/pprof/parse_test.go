package pprof

import (
	"bytes"

	"github.com/google/pprof/profile"
)

// proto is a small profile of type typ with n goroutines at one place.
func proto(typ string, n int64) []byte {
	f := &profile.Function{ID: 1, Name: "main.wait", SystemName: "main.wait", Filename: "/src/main.go"}
	l := &profile.Location{ID: 1, Line: []profile.Line{{Function: f, Line: 7}}}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: typ, Unit: "count"}},
		PeriodType: &profile.ValueType{Type: typ, Unit: "count"},
		Sample:     []*profile.Sample{{Location: []*profile.Location{l}, Value: []int64{n}}},
		Location:   []*profile.Location{l},
		Function:   []*profile.Function{f},
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}
