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

// collect sets how often garbage is collected.
func collect(r config.Runtime) { debug.SetGCPercent(percent(r, os.Getenv("GOGC"))) }

// percent is GOGC by the configuration, the environment, or the default. The
// default is set, too, because a reload may take a percentage out of the file.
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

// firstCollectionPercent is GOGC until the first collection: the runtime begins it
// at a heap of 4 MB times GOGC/100, which is 64 MB.
const firstCollectionPercent = 1600

// delayFirstCollection lets the heap grow to 64 MB before garbage is collected for
// the first time, and as usual from then on. A short command ends before that, and
// collecting is a quarter of the CPU of comparing two large profiles.
func delayFirstCollection() {
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(firstCollectionPercent)
	// What nothing refers to is cleaned up after the first collection.
	type collected struct{ _ [64]byte }
	runtime.AddCleanup(&collected{}, func(percent int) { debug.SetGCPercent(percent) }, defaultGCPercent)
}

// memoryLimit is how GOMEMLIMIT follows the memory that we may have; the flags
// are Prometheus'.
type memoryLimit struct {
	on      bool
	ratio   float64
	refresh string
}

func addMemoryFlags(cmd *kingpin.CmdClause) *memoryLimit {
	m := &memoryLimit{}
	cmd.Flag("auto-gomemlimit", "Set GOMEMLIMIT by the memory limit of the container or, without one, the memory of the system, unless the environment has GOMEMLIMIT.").Default("true").BoolVar(&m.on)
	cmd.Flag("auto-gomemlimit.ratio", "The share of that memory that GOMEMLIMIT is; more than 0, up to 1.").Default("0.9").FloatVar(&m.ratio)
	cmd.Flag("auto-gomemlimit.refresh-interval", "How often to look at the limit again, e.g. 1m where a vertical autoscaler changes it; 0s: never.").Default("0s").StringVar(&m.refresh)
	return m
}

// apply sets the limit. That it cannot be found is no reason not to run.
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
		logger.Warn("GOMEMLIMIT was not set by the memory that there is", "err", err)
		return nil
	}
	logger.Debug("The garbage collector knows its limit", "gomemlimit_bytes", limit)
	return nil
}
