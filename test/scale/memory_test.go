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

// memory is what a process has in memory, in bytes. File are pages of the program
// itself: the kernel maps as many around each that is used as it has read, and
// takes them back when others need the room.
type memory struct{ anon, file float64 }

// resident reads what the kernel says of a process.
func resident(t *testing.T, pid int) memory {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	var m memory
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		switch name {
		case "RssAnon":
			m.anon = kb * 1024
		case "RssFile", "RssShmem": // of a program in a tmpfs
			m.file += kb * 1024
		}
	}
	return m
}

func (m memory) total() float64 { return m.anon + m.file }

func (m memory) String() string {
	return fmt.Sprintf("%.0f MB resident, %.0f MB of it its own and %.0f MB pages of the program", m.total()/1e6, m.anon/1e6, m.file/1e6)
}

// runtimeMemory is how the Go runtime accounts for what is its own.
func runtimeMemory(t *testing.T, g *e2e.Gorowatch) string {
	mb := func(name string) string {
		return fmt.Sprintf("%.1f", g.Metric(t, "go_memstats_"+name)/1e6)
	}
	return fmt.Sprintf("MB: heap allocated %s, in use %s, idle %s (released %s), next collection at %s; stacks %s, spans %s, collector %s, other %s; %.0f goroutines, %.0f collections",
		mb("heap_alloc_bytes"), mb("heap_inuse_bytes"), mb("heap_idle_bytes"), mb("heap_released_bytes"), mb("next_gc_bytes"),
		mb("stack_inuse_bytes"), mb("mspan_sys_bytes"), mb("gc_sys_bytes"), mb("other_sys_bytes"),
		g.Metric(t, "go_goroutines"), g.Metric(t, "go_gc_duration_seconds_count"))
}
