package main

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// --match and --ignore of check match names as they are shown, and accept escaped ones.
func TestPatternsForReadableNames(t *testing.T) {
	require.Nil(t, forReadable(nil))
	for _, pattern := range []string{"lumberjack%2ev2", `lumberjack\.v2`, "lumberjack[%2e]v2"} {
		require.True(t, forReadable(regexp.MustCompile(pattern)).MatchString("gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun l.go:3"), pattern)
	}
	require.False(t, forReadable(regexp.MustCompile("lumberjack%2ev2")).MatchString("lumberjack_v2"))
}
