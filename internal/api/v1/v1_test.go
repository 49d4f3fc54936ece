package v1

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	now    = time.Date(2026, 3, 2, 22, 59, 30, 0, time.FixedZone("CET", 3600))
	logger = collector.Frame{Func: "main.logHandler.func1", File: "/src/handler.go", Line: 29}
	grown  = leak.StackGrowth{
		Signature: "s1", Op: "chan send", Frames: []collector.Frame{logger}, Key: logger,
		CreatedBy: collector.Frame{Func: "main.logHandler", File: `C:\src\handler.go`, Line: 18},
		Base:      12, Head: 1916, Share: 0.97, Wait: 118 * time.Minute,
	}
	found = leak.Leak{
		ID: "3f9c2a7b", Service: labels.FromStrings("job", "checkout"), Signature: "s1", State: leak.Firing, Evidence: leak.Aged,
		Onset: now, DetectedAt: now, PlateauedAt: now, Rate: trend.Interval{Value: 2, Low: 1, High: math.Inf(1)}, Leaked: 1904, Share: 0.97,
		InstancesTotal: 3, Stacks: []leak.StackGrowth{grown},
	}
)

const (
	leakJSON = `"id":"3f9c2a7b","service":{"job":"checkout"},"instances":[],"evidence":"aged","confidence":0,
		"onset":"2026-03-02T21:59:30Z","detected_at":"2026-03-02T21:59:30Z","resolved_at":null,"plateaued_at":"2026-03-02T21:59:30Z",
		"growth_per_hour":{"value":2,"low":1,"high":null},"leaked":1904`
	stackJSON = `"signature":"s1","frames":["main.logHandler.func1 handler.go:29"],"state":"chan send","base":12,"head":1916,"delta":1904`
	hintJSON  = `"hint":{"kind":"chan-send","sentence":"blocked sending on a channel in a closure of logHandler: the receiver probably returned first; give the channel a buffer of one, or select on the context's Done as well"}`
	origin    = `"key":"main.logHandler.func1 handler.go:29","created_by":"main.logHandler handler.go:18"`
)

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// The API has every field, a scan those of its contract.
func TestLeak(t *testing.T) {
	require.JSONEq(t, `{`+leakJSON+`,"state":"firing","stacks":[{`+stackJSON+`,`+origin+`,"share":0.97,"wait_seconds":7080,`+hintJSON+`}],
		"signature":"s1","updated_at":null,"no_data_since":null,"share":0.97,"instances_total":3}`, encode(t, NewLeak(found)))
	require.JSONEq(t, `{`+leakJSON+`,"state":"plateaued","stacks":[{`+stackJSON+`,"share":0.97}]}`, encode(t, NewFinding(found)))
	require.Contains(t, encode(t, NewFinding(leak.Leak{})), `"stacks":[]`)

	var back Leak
	require.NoError(t, json.Unmarshal([]byte(encode(t, NewLeak(found))), &back))
	require.Equal(t, "s1", back.Signature)
	require.Equal(t, "main.logHandler handler.go:18", back.Stacks[0].CreatedBy)
}

func TestChange(t *testing.T) {
	shape := &stack.Shape{Signature: "s1", Op: "chan send", Frames: []*collector.Frame{&logger}, Key: logger}
	s := &stack.Stack{Shape: shape, CreatedBy: grown.CreatedBy, Wait: 90 * time.Second, Labels: map[string]string{"route": "/cart"}}
	require.JSONEq(t, `{`+stackJSON+`,`+origin+`,"share":1,"wait":"1m30s","labels":{"route":"/cart"}}`,
		encode(t, NewChange(stack.Delta{Stack: s, Base: 12, Head: 1916}, 1)))
}
