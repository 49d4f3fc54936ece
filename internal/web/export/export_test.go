package export

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// of returns a profile of two stacks below main.main.
func of(send, serve int64) *collector.Profile {
	main := &collector.Frame{Func: "main.main", File: "/src/main.go", Line: 9}
	p := &collector.Profile{Time: time.Unix(100, 0), Total: send + serve}
	for _, r := range []collector.Record{
		{Count: send, Frames: []*collector.Frame{{Func: "main.send; \u202e", File: "/src/send.go", Line: 3}, main}},
		{Count: serve, Frames: []*collector.Frame{{Func: "net/http.Serve", File: "/go/server.go", Line: 7}, main}},
	} {
		if r.Count > 0 {
			p.Records = append(p.Records, r)
		}
	}
	return p
}

func write(t *testing.T, f Format, base, head *collector.Profile) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(&b, f, base, head))
	return b.Bytes()
}

func TestCollapsed(t *testing.T) {
	require.Equal(t, "main.main;main.send:_\uFFFD 5\nmain.main;net/http.Serve 2\n", string(write(t, Collapsed, nil, of(5, 2))))
	require.Equal(t, "main.main;main.send:_\uFFFD 0 5\nmain.main;net/http.Serve 3 2\n", string(write(t, Collapsed, of(0, 3), of(5, 2))))
}

func TestPprof(t *testing.T) {
	p, err := profile.ParseData(write(t, Pprof, of(1, 3), of(5, 2)))
	require.NoError(t, err)
	require.NoError(t, p.CheckValid())
	counts := map[string]int64{}
	for _, s := range p.Sample {
		counts[s.Location[0].Line[0].Function.Filename] += s.Value[0]
	}
	require.Equal(t, map[string]int64{"/src/send.go": 4, "/go/server.go": -1}, counts)
	p, err = profile.ParseData(write(t, Pprof, nil, of(5, 2)))
	require.NoError(t, err)
	require.Len(t, p.Sample, 2)
}

func TestSpeedscope(t *testing.T) {
	var file speedscopeFile
	require.NoError(t, json.Unmarshal(write(t, Speedscope, of(1, 3), of(5, 2)), &file))
	totals := map[string]int64{}
	for _, p := range file.Profiles {
		totals[p.Name] = p.End
		require.Equal(t, len(p.Samples), len(p.Weights))
		for _, s := range p.Samples {
			require.Equal(t, "main.main", file.Shared.Frames[s[0]].Name, "root first")
		}
	}
	require.Equal(t, map[string]int64{"grew": 4, "went": 1, "before": 4, "after": 7}, totals)
	require.NoError(t, json.Unmarshal(write(t, Speedscope, nil, of(5, 2)), &file))
	require.Len(t, file.Profiles, 1)
	require.Error(t, Write(&bytes.Buffer{}, "svg", nil, of(1, 1)))
}
