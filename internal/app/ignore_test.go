package app

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/config"
)

// Rules for names as profiles escape them match the displayed names.
func TestIgnoreRulesOfEscapedNames(t *testing.T) {
	for _, pattern := range []string{`gopkg.in/natefinch/lumberjack%2ev2\..*`, `gopkg.in/natefinch/lumberjack\.v2\..*`} {
		rules, err := ignoreRules([]config.Ignore{{Function: pattern, Key: pattern, CreatedBy: pattern}})
		require.NoError(t, err)
		name := "gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun"
		require.True(t, rules[0].Function.MatchString(name), pattern)
		require.True(t, rules[0].Key.MatchString(name), pattern)
		require.True(t, rules[0].CreatedBy.MatchString(name), pattern)
		require.False(t, rules[0].Key.MatchString("gopkg.in/natefinch/lumberjackXv2.(*Logger).millRun"), pattern)
	}
}
