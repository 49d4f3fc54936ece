package config

import (
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
)

// Config is a whole configuration file.
type Config struct {
	Global     Global      `yaml:"global,omitempty"`
	Prometheus Prometheus  `yaml:"prometheus,omitempty"`
	Services   Services    `yaml:"services,omitempty"`
	Trend      Trend       `yaml:"trend,omitempty"`
	Profiles   Profiles    `yaml:"profiles,omitempty"`
	Targets    []TargetSet `yaml:"targets,omitempty"`
	Ignore     []Ignore    `yaml:"ignore,omitempty"`
	Alerting   Alerting    `yaml:"alerting,omitempty"`
	Storage    Storage     `yaml:"storage,omitempty"`
	Links      Links       `yaml:"links,omitempty"`
	Owners     []Owner     `yaml:"owners,omitempty"`
	Runtime    Runtime     `yaml:"runtime,omitempty"`
}

// Global has the settings that concern all sections.
type Global struct {
	// EvaluationInterval is the time between two evaluations, and the step at which
	// series are read.
	EvaluationInterval model.Duration `yaml:"evaluation_interval,omitempty"`
	// ExternalLabels are added to every alert.
	ExternalLabels map[string]string `yaml:"external_labels,omitempty"`
}

// Services says which instances form a service.
type Services struct {
	// GroupBy are the labels that the instances of a service share.
	GroupBy []string `yaml:"group_by,omitempty"`
	// VersionLabel is the label of the instances with their version. Empty: the version
	// comes from build_info metrics and image tags.
	VersionLabel string `yaml:"version_label,omitempty"`
}

// Trend tunes the judgement of series.
type Trend struct {
	// Base is the length of the smallest block of samples. The others are 5, 15, 60 and
	// 240 times as long.
	Base model.Duration `yaml:"base,omitempty"`
}

// Storage says where profiles and leaks are kept.
type Storage struct {
	// URL of the bucket, e.g. file:///var/lib/gorowatch or mem://.
	URL string `yaml:"url,omitempty"`
	// Retention of profiles and resolved leaks.
	Retention model.Duration `yaml:"retention,omitempty"`
}

// Runtime has the settings of the Go runtime.
type Runtime struct {
	// GoGC is how much the heap may grow between two collections, in percent of the live
	// heap. 0: the value of the environment, else Go's 100. -1: no
	// collection until the memory limit.
	GoGC int `yaml:"gogc,omitempty"`
}

// Default returns the configuration of an empty file.
func Default() Config {
	return Config{
		Global:     Global{EvaluationInterval: model.Duration(time.Minute)},
		Prometheus: defaultPrometheus(),
		Services:   Services{GroupBy: []string{"namespace", "job"}},
		Trend:      Trend{Base: model.Duration(time.Minute)},
		Profiles: Profiles{
			BaselineInterval:  model.Duration(time.Hour),
			BaselineInstances: 2,
			DumpLimit:         1000,
			SuspicionInterval: model.Duration(2 * time.Minute),
			Timeout:           model.Duration(10 * time.Second),
			Concurrency:       4,
			TargetCPU:         0.001,
			TargetBandwidth:   100 * units.KiB,
			Bandwidth:         10 * units.MiB,
			SizeLimit:         80 * units.MiB,
			Totals:            true,
			AnnotatedPods:     true,
			Push:              defaultPush(),
		},
		Alerting: Alerting{
			MinConfidence:     0.95,
			SuspectConfidence: 0.5,
			CriticalWithin:    model.Duration(6 * time.Hour),
			ResendInterval:    model.Duration(time.Minute),
		},
		Storage: Storage{
			URL:       "file:///var/lib/gorowatch",
			Retention: model.Duration(15 * 24 * time.Hour),
		},
	}
}
