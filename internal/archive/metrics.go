package archive

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics of a bucket. They outlive an Archive: a reload may open another one.
type Metrics struct {
	ops    *prometheus.CounterVec
	up     prometheus.Gauge
	shared prometheus.Gauge
	aside  prometheus.Counter
	swept  prometheus.Counter
}

// operation is a kind of operation, a label of the metric.
type operation string

const (
	opSaveProfile  operation = "save_profile"
	opSaveDump     operation = "save_dump"
	opLoadProfile  operation = "load_profile"
	opListProfiles operation = "list_profiles"
	opSaveLeak     operation = "save_leak"
	opLoadLeaks    operation = "load_leaks"
	opSaveNote     operation = "save_note"
	opLoadNotes    operation = "load_notes"
	opDeleteNote   operation = "delete_note"
	opSaveCapture  operation = "save_capture"
	opLoadCaptures operation = "load_captures"
	opSaveTriage   operation = "save_triage"
	opLoadTriage   operation = "load_triage"
	opDeleteTriage operation = "delete_triage"
	opSweep        operation = "sweep"
	opLoadSecret   operation = "load_secret"
	opClaim        operation = "claim"
)

// NewMetrics makes the metrics and registers them with reg, unless it is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	m := &Metrics{
		ops: f.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_archive_operations_total",
			Help: "Operations on the bucket by kind and result.",
		}, []string{"operation", "result"}),
		up: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_archive_up",
			Help: "Whether the last operation on the bucket succeeded.",
		}),
		shared: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_archive_shared",
			Help: "Whether another gorowatch writes to the bucket.",
		}),
		aside: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_archive_documents_set_aside_total",
			Help: "Unreadable documents and profiles moved to aside/ in the bucket.",
		}),
		swept: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_archive_profiles_deleted_total",
			Help: "Profiles deleted by thinning and retention.",
		}),
	}
	for _, op := range []operation{opSaveProfile, opSaveDump, opLoadProfile, opListProfiles, opSaveLeak, opLoadLeaks, opSaveNote, opLoadNotes, opDeleteNote, opSaveCapture, opLoadCaptures, opSaveTriage, opLoadTriage, opDeleteTriage, opLoadSecret, opSweep, opClaim} {
		m.ops.WithLabelValues(string(op), "ok")
		m.ops.WithLabelValues(string(op), "error")
	}
	m.up.Set(1)
	return m
}

func (m *Metrics) count(op operation, err error) {
	result, up := "ok", 1.0
	if err != nil {
		result, up = "error", 0
	}
	m.ops.WithLabelValues(string(op), result).Inc()
	m.up.Set(up)
}
