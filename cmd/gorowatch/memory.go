package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/alecthomas/kingpin/v2"

	"github.com/gorowatch/gorowatch/internal/config"
)

// defaultGCPercent is Go's own default of GOGC.
const defaultGCPercent = 100

// collect sets GOGC.
func collect(r config.Runtime) { debug.SetGCPercent(percent(r, os.Getenv("GOGC"))) }

// percent returns GOGC from the configuration, the environment or the default. The default is
// set too, since a reload may remove the value from the file.
func percent(r config.Runtime, env string) int {
	n, err := strconv.Atoi(env)
	switch {
	case r.GoGC != 0:
		return r.GoGC
	case env == "off":
		return -1
	case err == nil:
		return n
	}
	return defaultGCPercent
}

// firstCollectionPercent is GOGC until the first collection. The runtime starts that at a heap
// of 4 MB times GOGC/100, which is 64 MB.
const firstCollectionPercent = 1600

// delayFirstCollection lets the heap grow to 64 MB before the first garbage collection. Later
// collections are as usual. A short command ends earlier, and collecting takes a quarter of the
// CPU of comparing two large profiles.
func delayFirstCollection() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(firstCollectionPercent)
	// The cleanup of an unreachable object runs after the first collection.
	type collected struct{ _ [64]byte }
	runtime.AddCleanup(&collected{}, func(percent int) { debug.SetGCPercent(percent) }, defaultGCPercent)
}

// memoryLimit sets GOMEMLIMIT from the available memory. The flags are those of Prometheus.
type memoryLimit struct {
	on      bool
	ratio   float64
	refresh string
}

func addMemoryFlags(cmd *kingpin.CmdClause) *memoryLimit {
	m := &memoryLimit{}
	cmd.Flag("auto-gomemlimit", "Set GOMEMLIMIT from the memory limit of the container, or from the memory of the system if there is none. GOMEMLIMIT in the environment overrides it.").Default("true").BoolVar(&m.on)
	cmd.Flag("auto-gomemlimit.ratio", "Share of the memory to use for GOMEMLIMIT; more than 0, at most 1.").Default("0.9").FloatVar(&m.ratio)
	cmd.Flag("auto-gomemlimit.refresh-interval", "How often to read the limit again, e.g. 1m if a vertical autoscaler changes it; 0s: never.").Default("0s").StringVar(&m.refresh)
	return m
}

// apply sets the limit. gorowatch also runs if the limit cannot be found.
func (m *memoryLimit) apply(ctx context.Context, logger *slog.Logger) error {
	if !m.on {
		return nil
	}
	if math.IsNaN(m.ratio) || m.ratio <= 0 || m.ratio > 1 {
		return fmt.Errorf("--auto-gomemlimit.ratio: %g is out of range, expected more than 0 and up to 1", m.ratio)
	}
	var refresh time.Duration
	if m.refresh != "0" && m.refresh != "0s" {
		var err error
		if refresh, err = duration("--auto-gomemlimit.refresh-interval", m.refresh); err != nil {
			return err
		}
	}
	limit, err := memlimit.Set(
		memlimit.WithRatio(m.ratio),
		memlimit.WithProvider(memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.FromSystem)),
		memlimit.WithRefreshInterval(ctx, refresh),
	)
	if err != nil {
		logger.Warn("Cannot set GOMEMLIMIT from the memory limit", "err", err)
		return nil
	}
	logger.Debug("Set GOMEMLIMIT from the memory limit", "gomemlimit_bytes", limit)
	return nil
}
