package app

import (
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/internal/archive"
)

// addMetrics makes and registers the metrics of the App and of what it makes later.
func (a *App) addMetrics(reg *prometheus.Registry) {
	a.promMetrics = promapi.NewMetrics(reg)
	a.scrapeMetrics = scrape.NewMetrics(reg)
	a.targetStates = newTargetMetrics(reg)
	a.bucketMetrics = archive.NewMetrics(reg)
	a.decodingBudget = pprof.NewBudget(decodingBytes(debug.SetMemoryLimit(-1)))
	f := promauto.With(reg)
	a.reloadOK = f.NewGauge(prometheus.GaugeOpts{
		Name: "gorowatch_config_last_reload_successful",
		Help: "Whether the last reload of the configuration was successful.",
	})
	a.reloadTime = f.NewGauge(prometheus.GaugeOpts{
		Name: "gorowatch_config_last_reload_success_timestamp_seconds",
		Help: "When the configuration was last reloaded successfully.",
	})
	a.reloadOK.Set(1)
	a.reloadTime.SetToCurrentTime()
	f.NewGauge(prometheus.GaugeOpts{
		Name: "gorowatch_shard",
		Help: "Number of this shard, counted from 0 (--shard).",
	}).Set(float64(a.o.Shard.Index()))
	f.NewGauge(prometheus.GaugeOpts{
		Name: "gorowatch_shards",
		Help: "Number of shards (--shard).",
	}).Set(float64(a.o.Shard.Count()))
}
