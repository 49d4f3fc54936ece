package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRecordedVersion reads what Go records in a build.
func TestRecordedVersion(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs", Value: "git"}, {Key: "vcs.time", Value: "2026-03-02T14:00:00Z"}}
	for name, tc := range map[string]struct {
		info          *debug.BuildInfo
		version, date string
	}{
		"go install":  {&debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "v1.2.3", ""},
		"in a clone":  {&debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20260302140000-0123456789ab+dirty"}, Settings: commit}, "v1.2.4-0.20260302140000-0123456789ab+dirty", "2026-03-02T14:00:00Z"},
		"without git": {&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "unknown", ""},
		"no record":   {nil, "unknown", ""},
	} {
		t.Run(name, func(t *testing.T) {
			found, date := recordedVersion(tc.info)
			require.Equal(t, tc.version, found)
			require.Equal(t, tc.date, date)
		})
	}
}
