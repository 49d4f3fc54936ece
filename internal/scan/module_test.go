package scan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// The reason for a leak in a library has its version, and its caller.
func TestWhyNamesTheVersionAndTheCaller(t *testing.T) {
	r := &Result{End: noon.Add(time.Hour)}
	run := collector.Frame{Func: "github.com/robfig/cron/v3.(*Cron).run", File: "/root/go/pkg/mod/github.com/robfig/cron/v3@v3.0.1/cron.go", Line: 263}
	l := leak.Leak{State: leak.Firing, Onset: noon, DetectedAt: noon.Add(30 * time.Minute), Instances: []string{"a"}, Stacks: []leak.StackGrowth{{
		Op: "select", Key: run, Frames: []collector.Frame{run}, Share: 1,
		Callers: []leak.Caller{{Frame: collector.Frame{Func: "main.(*schedule).change"}, Link: leak.LinkStarter}},
	}}}
	require.Contains(t, r.why(l, nil), "select in github.com/robfig/cron/v3.(*Cron).run cron.go:263 (v3.0.1), from main.(*schedule).change, 100 % of the growth; known: reported as gofr-dev/gofr#3211; alarm after 30 min")
}
