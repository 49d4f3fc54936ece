package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// A line has no long value, whatever its type.
func TestLogValuesAreShort(t *testing.T) {
	long := strings.Repeat("ü", 100_000)
	for name, attr := range map[string]any{
		"string":   long,
		"error":    fmt.Errorf("target: %w", errors.New(long)),
		"labels":   labels.FromStrings("job", long),
		"list":     []string{long},
		"map":      map[string]string{"a": long},
		"group":    slog.GroupValue(slog.String("a", long)),
		"stringer": slog.AnyValue(labels.FromStrings("job", long)),
	} {
		var out bytes.Buffer
		logger := slog.New(shortValues{slog.NewJSONHandler(&out, nil)})
		logger.Warn("Something", "what", attr)
		logger.With("what", attr).WithGroup("g").Warn("Something else", "n", 1)
		logger.Warn(long)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		require.Len(t, lines, 3)
		for _, line := range lines {
			require.Less(t, len(line), 2*maxLogValue, name)
			require.Contains(t, line, " bytes)", name)
			require.True(t, utf8.ValidString(line))
		}
	}
	var out bytes.Buffer
	slog.New(shortValues{slog.NewTextHandler(&out, nil)}).Info("Short", "n", 7, "err", errors.New("no"), "labels", labels.FromStrings("job", "shop"))
	require.Contains(t, out.String(), `msg=Short n=7 err=no labels="{job=\"shop\"}"`)
}
