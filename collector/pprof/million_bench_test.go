package pprof

import (
	"io"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// BenchmarkMillion reads a pasted dump of a million goroutines on 300 stacks, some 700 MB,
// plain and out of logs. peak-MB is the largest heap in use meanwhile, with the memory of this
// test itself.
func BenchmarkMillion(b *testing.B) {
	for name, prefix := range map[string]string{"plain": "", "kubectl": "2026-05-01T10:22:33.123456789Z ", "journald": "May  1 10:22:33 node-1 shop[812]: "} {
		b.Run(name, func(b *testing.B) {
			var peak uint64
			for b.Loop() {
				runtime.GC()
				in := &million{prefix: prefix, peak: &peak}
				p, err := Read(in, fetched, Limits{Body: 4 << 30}, func(collector.Format, *collector.Record) error { return nil })
				require.NoError(b, err)
				require.EqualValues(b, 1_000_000, p.Total)
				b.SetBytes(in.n)
			}
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
		})
	}
}

// million is a dump that is generated while it is read.
type million struct {
	prefix string
	id     int
	rest   []byte
	buf    []byte
	n      int64
	peak   *uint64
}

func (m *million) Read(p []byte) (int, error) {
	if len(m.rest) == 0 {
		if m.id == 1_000_000 {
			return 0, io.EOF
		}
		m.id++
		m.next()
		if m.id%20_000 == 0 {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			*m.peak = max(*m.peak, stats.HeapInuse)
		}
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	m.n += int64(n)
	return n, nil
}

func (m *million) next() {
	b, i := m.buf[:0], m.id%300
	line := func(parts ...string) {
		b = append(b, m.prefix...)
		for _, part := range parts {
			b = append(b, part...)
		}
		b = append(b, '\n')
	}
	id, place := strconv.Itoa(m.id), strconv.Itoa(i)
	line("goroutine ", id, " [chan receive, ", strconv.Itoa(m.id%99), " minutes]:")
	for j := range 3 + i%4 {
		line("github.com/acme/shop/internal/pkg", place, ".(*Server).handle", strconv.Itoa(j), "(0xc000", id, ", {0x1234560, 0xc000112000})")
		line("\t/src/internal/pkg", place, "/file.go:", strconv.Itoa(10+j), " +0x1d")
	}
	line("created by github.com/acme/shop/internal/pkg", place, ".(*Server).Start in goroutine 1")
	line("\t/src/internal/pkg", place, "/file.go:9 +0x1d")
	line()
	m.buf, m.rest = b, b
}
