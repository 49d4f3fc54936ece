package v1

import (
	"math"
	"strconv"
)

// History is what the chart of a service shows.
type History struct {
	Start      float64           `json:"start"` // Unix seconds, of the first step's end
	Step       float64           `json:"step"`
	Steps      int               `json:"steps"`
	Instances  []InstanceHistory `json:"instances"`
	More       int               `json:"more"` // instances that are left out
	Fits       []Fit             `json:"fits"`
	Onset      *float64          `json:"onset"`
	DetectedAt *float64          `json:"detected_at"`
	ResolvedAt *float64          `json:"resolved_at"`
	Restarts   []Restart         `json:"restarts"`
	Deploys    []Deploy          `json:"deploys"`
	Profiles   []ProfileMark     `json:"profiles"`
	// ProfilesError is why the captures could not be read. The other fields are valid.
	ProfilesError string   `json:"profiles_error,omitempty"`
	Warnings      []string `json:"warnings"`
}

// InstanceHistory is the counts of an instance, step by step.
type InstanceHistory struct {
	Name    string  `json:"name"`
	Leaking bool    `json:"leaking"`
	Min     Numbers `json:"min"`
	Max     Numbers `json:"max"`
	Load    Numbers `json:"load,omitempty"`
}

// Fit is a line through (At, Level) with an interval of its slope.
type Fit struct {
	Instance string   `json:"instance"`
	From     float64  `json:"from"`
	To       float64  `json:"to"`
	At       float64  `json:"at"`
	Level    float64  `json:"level"`
	PerHour  Interval `json:"growth_per_hour"`
}

// Restart is the start of a process.
type Restart struct {
	Time     float64 `json:"time"`
	Instance string  `json:"instance"`
}

// Deploy is when most instances of a service started together.
type Deploy struct {
	Time      float64 `json:"time"`
	Instances int     `json:"instances"`
	Version   string  `json:"version,omitempty"`
}

// ProfileMark is a profile of the archive on the chart.
type ProfileMark struct {
	Time     float64 `json:"time"`
	Instance string  `json:"instance"`
	Key      string  `json:"key"`
}

// StackCounts are the goroutines of the stacks of a leak, profile by profile.
type StackCounts struct {
	Instance string       `json:"instance"`
	Times    Numbers      `json:"times"` // Unix seconds
	Total    Numbers      `json:"total"`
	Keys     []string     `json:"keys"` // of the profiles
	Stacks   []StackCount `json:"stacks"`
	// Unread is the number of profiles that could not be read, and Problem the reason.
	Unread  int    `json:"unread"`
	Problem string `json:"problem,omitempty"`
}

// StackCount is one of these stacks.
type StackCount struct {
	Signature string  `json:"signature"`
	Name      string  `json:"name"`
	Counts    Numbers `json:"counts"`
}

// Numbers is a list of numbers in few characters: four digits, and null for what is
// not a number.
type Numbers []float64

// MarshalJSON implements json.Marshaler.
func (n Numbers) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 6*len(n)+2)
	b = append(b, '[')
	for i, x := range n {
		if i > 0 {
			b = append(b, ',')
		}
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			b = append(b, "null"...)
		case x == math.Trunc(x) && math.Abs(x) < 1e15:
			b = strconv.AppendInt(b, int64(x), 10)
		default:
			b = strconv.AppendFloat(b, x, 'g', 4, 64)
		}
	}
	return append(b, ']'), nil
}
