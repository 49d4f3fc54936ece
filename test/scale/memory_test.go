package scale

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// anonymous returns the anonymous memory of a process in bytes (RssAnon): its heap, its stacks
// and what the runtime needs. Pages of the program file are not counted, because the kernel
// drops and rereads them.
func anonymous(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
			require.NoError(t, err)
			return kb * 1024
		}
	}
	t.Fatal("the kernel does not report RssAnon")
	return 0
}

// runtimeMemory returns the Go runtime's own account of its memory.
func runtimeMemory(t *testing.T, g *e2e.Gorowatch) string {
	mb := func(name string) string {
		return fmt.Sprintf("%.1f", g.Metric(t, "go_memstats_"+name)/1e6)
	}
	return fmt.Sprintf("MB: heap allocated %s, in use %s, idle %s (released %s), next collection at %s; stacks %s, spans %s, collector %s, other %s; %.0f goroutines, %.0f collections",
		mb("heap_alloc_bytes"), mb("heap_inuse_bytes"), mb("heap_idle_bytes"), mb("heap_released_bytes"), mb("next_gc_bytes"),
		mb("stack_inuse_bytes"), mb("mspan_sys_bytes"), mb("gc_sys_bytes"), mb("other_sys_bytes"),
		g.Metric(t, "go_goroutines"), g.Metric(t, "go_gc_duration_seconds_count"))
}
