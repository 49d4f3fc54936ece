package v1

import (
	"encoding/json"
	"math"
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

// Number is a number that may be unknown. NaN and the infinities, which JSON
// cannot express, are null.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	if x := float64(n); math.IsNaN(x) || math.IsInf(x, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// Interval is an estimate with its 95 % interval, in goroutines per hour.
type Interval struct {
	Value Number `json:"value"`
	Low   Number `json:"low"`
	High  Number `json:"high"`
}

// NewInterval converts an estimate.
func NewInterval(i trend.Interval) Interval {
	return Interval{Number(i.Value), Number(i.Low), Number(i.High)}
}

// Time converts a time to UTC. The zero time, which means unknown, becomes nil
// and so null.
func Time(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
