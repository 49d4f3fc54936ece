package pprof

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestDumpIsKeptAsItWasSent(t *testing.T) {
	text := strings.Repeat(oneDump, 3)
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	p, err := New(Options{}).Fetch(t.Context(), client(t), u, collector.KindGoroutine, 2)
	require.NoError(t, err)
	zr, err := gzip.NewReader(bytes.NewReader(p.Raw))
	require.NoError(t, err)
	kept, err := io.ReadAll(zr)
	require.NoError(t, err)
	require.Equal(t, text, string(kept))
}

func TestDumpTooLargeIsNotKept(t *testing.T) {
	const most = 100 << 10
	c := newDumpCopy(most)
	noise := make([]byte, 8<<10)
	r := rand.NewChaCha8([32]byte{1})
	for range 2 * most / len(noise) {
		_, _ = r.Read(noise)
		n, err := c.Write(noise)
		require.NoError(t, err)
		require.Len(t, noise, n)
		require.LessOrEqual(t, c.out.Len(), most)
	}
	require.Nil(t, c.bytes())
}
