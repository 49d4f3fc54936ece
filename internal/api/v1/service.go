package v1

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Service is a watched service with its verdict. Gate is an identifier, Why the
// sentence.
type Service struct {
	ID               string        `json:"id"`
	Labels           labels.Labels `json:"labels"`
	Instances        int           `json:"instances"`
	Goroutines       Number        `json:"goroutines"`
	Floor            Number        `json:"floor"`
	GrowthPerHour    Interval      `json:"growth_per_hour"`
	Status           trend.Status  `json:"status"`
	Gate             trend.Gate    `json:"gate"`
	Why              string        `json:"why"`
	Help             string        `json:"help"`
	Confidence       float64       `json:"confidence"`
	SuppressedReason string        `json:"suppressed_reason,omitempty"`
	LastSample       *time.Time    `json:"last_sample"`
	Leaks            []string      `json:"leaks"`
}

// ServiceDetail is a service with its instances and what is behind the
// verdict on it.
type ServiceDetail struct {
	Service
	Members     []Member     `json:"members"`
	Assessments []Assessment `json:"assessments"`
}

// Member is an instance of a service.
type Member struct {
	Instance   string     `json:"instance"`
	Goroutines Number     `json:"goroutines"`
	Floor      Number     `json:"floor"`
	Load       Number     `json:"load"`
	Started    *time.Time `json:"started"`
	LastSample *time.Time `json:"last_sample"`
	Gone       bool       `json:"gone,omitempty"`
}

// Assessment is the verdict at one block length on one instance, or on all together.
type Assessment struct {
	Instance      string       `json:"instance"` // empty: all together
	ScaleSeconds  float64      `json:"scale_seconds"`
	Blocks        int          `json:"blocks"`
	Status        trend.Status `json:"status"`
	Gate          trend.Gate   `json:"gate"`
	Why           string       `json:"why"`
	Help          string       `json:"help"`
	Confidence    float64      `json:"confidence"`
	Z             Number       `json:"z"`
	GrowthPerHour Interval     `json:"growth_per_hour"`
	Grown         Number       `json:"grown"`
	Onset         *time.Time   `json:"onset"`
	// Decides means that the verdict on the instance rests on it. Reasons are null if the gate
	// needed none.
	Decides bool     `json:"decides"`
	Reasons *Reasons `json:"reasons,omitempty"`
}

// Capture is a profile of the archive.
type Capture struct {
	Key      string    `json:"key"`
	Instance string    `json:"instance"`
	Time     time.Time `json:"time"`
}

// RequestedCapture is a capture that an incoming alert requested.
type RequestedCapture struct {
	Service  labels.Labels     `json:"service"`
	Instance string            `json:"instance"`
	Why      string            `json:"why"`
	At       *time.Time        `json:"at"`
	Profiles []leak.ProfileRef `json:"profiles"`
	Stacks   []Stack           `json:"stacks"`
	Error    string            `json:"error,omitempty"`
}
